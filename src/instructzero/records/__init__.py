"""The records of a run: its directory, its journal and its result."""
