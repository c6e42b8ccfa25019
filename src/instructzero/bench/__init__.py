"""The subcommand ``instructzero bench``: compare search methods over tasks, models and seeds.

A cell is one run of one method on one task with one pair of models and one seed. Finished cells are kept on the disk
and reused. The package plans the cells, runs them on an engine, and writes statistics and figures over all of them.

The folder ``benchmarks/`` of the repository is something else: scripts that measure this project itself.
"""
