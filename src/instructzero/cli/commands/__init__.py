"""The commands by group. Each imports what it needs when it is called, so that ``--help`` stays fast."""
