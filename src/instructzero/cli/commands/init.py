"""The command ``init``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer


def init_command(
    folder: Annotated[Path, typer.Argument(help="folder of the files; it is created if there is none")] = Path(),
    demo: Annotated[
        bool,
        typer.Option("--demo", help="200 rows, for a first run with the stand-in of 'python -m instructzero.testing'"),
    ] = False,
) -> None:
    """Write a commented run.yaml, ten sample rows and a prompt, from which to begin a run of your own."""
    from instructzero.cli.starter import FILES, demo_files

    _write(folder, demo_files() if demo else FILES)
    command = f"instructzero run --config {shlex.quote(str(folder / 'run.yaml'))}"
    print(f"Written to {folder}: {', '.join(FILES)}")
    if demo:
        print("Next: serve the stand-in for a model in another terminal, or in the background, with")
        print(f"  python -m instructzero.testing\nestimate the run with\n  {command} --dry-run")
    else:
        print(f"Next: edit them, then estimate the run with\n  {command} --dry-run")
    print(f"and start it with\n  {command}")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    from instructzero.errors import UserError

    present = [name for name in files if (folder / name).exists()]
    if present:
        raise UserError(
            f"expected a folder without {', '.join(files)}, got one with {', '.join(present)}: {folder}; move "
            f"{'it' if len(present) == 1 else 'them'} away, or name another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; choose another folder") from None
