"""Live reports of runs in progress: a loopback server that follows their journals and serves their pages.

`followed` reads a run directory as it grows, `progress` summarises the progress of a run, `pages` renders it as HTML,
`pace` limits the processor time, and `server` answers the browser.
"""
