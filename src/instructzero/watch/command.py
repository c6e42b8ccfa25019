"""The command ``instructzero watch``."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from instructzero.errors import RunDirectoryError
from instructzero.models.event_loop import EventLoop
from instructzero.models.stopping import working
from instructzero.records.directory import RunDirectory


def watch(directories: Sequence[Path], *, port: int, show: bool) -> None:
    """Serve the pages of the runs until Ctrl-C.

    Parameters
    ----------
    directories
        The run directories. One that does not exist yet is watched until a run starts in it.
    port
        The port to listen on; 0 chooses a free one.
    show
        Open the pages in the browser.

    Raises
    ------
    RunDirectoryError
        If a path is a file.
    ConfigurationError
        If the port is not available.
    """
    checked = _checked(directories)

    import torch  # imported late: it takes seconds, and a wrong directory is reported before that

    from instructzero.watch.server import serve

    torch.set_num_threads(1)  # the pages need little computation, and the run needs the processors
    with TemporaryDirectory(prefix="instructzero-") as folder, working(), closing(EventLoop()) as loop:
        loop.run(serve(checked, port, lambda address: _announce(address, Path(folder) if show else None)))


def _checked(directories: Sequence[Path]) -> list[Path]:
    """Return the directories without duplicates, and print which of them have no run yet."""
    distinct = list({directory.resolve(): directory for directory in directories}.values())
    for directory in distinct:
        if directory.exists() and not directory.is_dir():
            raise RunDirectoryError(f"expected the directory of a run, got the file {directory}; give its directory")
        if not RunDirectory(directory).journal.exists():
            print(f"instructzero: there is no run in {directory} yet; waiting for one", file=sys.stderr)
    return distinct


def _announce(address: str, folder: Path | None) -> None:
    """Print the address, and open it in the browser if there is a private ``folder`` for a page that leads there."""
    print(address, flush=True)
    print("instructzero: press Ctrl-C to stop watching; the run itself continues", file=sys.stderr)
    if folder is not None:
        page = folder / "open.html"  # others see the arguments of the browser's process, which must not hold the token
        page.write_text(f'<meta http-equiv="refresh" content="0; url={escape(address)}">', encoding="utf-8")
        Thread(
            target=webbrowser.open, args=(page.as_uri(),), daemon=True
        ).start()  # a thread, because opening may wait for an answer of the server
