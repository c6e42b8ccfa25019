"""The command ``instructzero watch``."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from instructzero.errors import RunDirectoryError
from instructzero.records.directory import RunDirectory


def watch(directories: Sequence[Path], *, port: int, show: bool) -> None:
    """Serve the pages of the runs until Ctrl-C; ``show`` opens them in the browser.

    Raises `RunDirectoryError` for what is no directory; one that does not exist may become a run.
    """
    checked = _checked(directories)

    import torch  # here, because it takes seconds, and a wrong directory is told before

    from instructzero.watch.server import serve

    torch.set_num_threads(1)  # there is little to compute, and the run needs the processors
    asyncio.run(serve(checked, port, lambda address: _announce(address, show)))


def _checked(directories: Sequence[Path]) -> list[Path]:
    """Each directory once; says which have no run yet."""
    distinct = list({each.resolve(): each for each in directories}.values())
    for each in distinct:
        if each.exists() and not each.is_dir():
            raise RunDirectoryError(f"expected the directory of a run, got the file {each}; give its directory")
        if not RunDirectory(each).journal.exists():
            print(f"instructzero: there is no run in {each} yet; waiting for one", file=sys.stderr)
    return distinct


def _announce(address: str, show: bool) -> None:
    print(address, flush=True)
    print("instructzero: Ctrl-C ends the watching, not the run", file=sys.stderr)
    if show:
        Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # it may wait for the server's answer
