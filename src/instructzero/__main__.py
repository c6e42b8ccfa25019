"""Run the command line with ``python -m instructzero``."""

from instructzero.cli import main

main()
