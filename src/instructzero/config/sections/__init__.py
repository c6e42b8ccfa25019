"""The settings of a run by section of the help, one file each."""
