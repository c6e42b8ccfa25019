"""Run the command line with ``python -m instructzero``."""

from instructzero.cli.main import main

main()
