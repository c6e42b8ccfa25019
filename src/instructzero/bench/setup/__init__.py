"""The set-up of a bench: recorded for each cell where it runs, and described at the head of the report.

`machine` looks around, `record` keeps what it finds beside a cell, `facts` reads that with the settings and the
journals, and `section` puts it into words and tables.
"""
