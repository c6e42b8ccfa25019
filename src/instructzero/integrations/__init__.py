"""Experiment trackers as observers of a run. Each is an extra of its own and is imported only when requested."""
