"""The command line: the commands' files in `commands`, and `app`, which puts them together."""


def main() -> None:
    """Run the command line; the entry point of the package."""
    from instructzero.cli import app  # here, so that a module of this folder can be imported without the commands

    app.main()
