"""Runs watched while they go on: a server on loopback that shows the report of each, and follows their journals.

`followed` reads a run directory as it grows, `progress` says in a few numbers how far a run is, `pages` makes HTML of
that, `pace` keeps all of it cheap, and `server` answers the browser.
"""
