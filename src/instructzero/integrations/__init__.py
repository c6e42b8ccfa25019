"""Other people's tools as onlookers of a run. Each is an extra of its own and imported when it is asked for."""
