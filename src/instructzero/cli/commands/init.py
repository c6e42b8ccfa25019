"""The command ``init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def init_command(
    folder: Annotated[Path, typer.Argument(help="folder of the files; it is created if there is none")] = Path(),
) -> None:
    """Write a commented run.yaml, ten sample rows and a prompt, from which to begin a run of your own."""
    from instructzero.cli.starter import FILES
    from instructzero.errors import UserError

    present = [name for name in FILES if (folder / name).exists()]
    if present:
        raise UserError(
            f"expected a folder without {', '.join(FILES)}, got one with {', '.join(present)}: {folder}; move "
            f"{'it' if len(present) == 1 else 'them'} away, or name another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in FILES.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; choose another folder") from None
    command = f"instructzero run --config {shlex.quote(str(folder / 'run.yaml'))}"
    print(f"Written to {folder}: {', '.join(FILES)}")
    print(f"Next: edit them, then estimate the run with\n  {command} --dry-run\nand start it with\n  {command}")
