"""Reading task files and rows: encodings, formats, tables, the hub, and rows given in Python."""
