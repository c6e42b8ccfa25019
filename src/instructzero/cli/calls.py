"""What a call store holds, for a person on the terminal, and as JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instructzero.calls.store import Account, CallStore, StoredCall
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.progress import printable
from instructzero.records.directory import RunDirectory
from instructzero.types import Usage

STDOUT = "-"
"""The name of an export that goes to the terminal, or into a pipe."""


def print_calls(path: Path, *, export: str | None = None, run: str | None = None, grep: str | None = None) -> None:
    """Print what the store of ``path``, a run directory or an SQLite file, holds; see the command ``calls``.

    ``run`` is the beginning of a run's name in the ledger: only what it paid for. ``grep``: only calls with this text
    in a message or the answer, in whatever case; they are printed instead of the totals. ``export``: write the calls as
    JSON lines to this file, or to the terminal for "-", instead. Raises `RunDirectoryError` where there is no store,
    and `ConfigurationError` for a run that has no entry in the ledger and for an export onto the store.
    """
    file = find_store(path)
    with CallStore(file) as store:
        accounts = _accounts(store, run)
        calls = _matching(store.export(run=accounts[0].run if run is not None else None), grep)
        if export is not None:
            _export(calls, export, file)
        elif grep is not None:
            _print_found(calls, grep)
        else:
            _print_totals(file, calls, accounts)


def find_store(path: Path) -> Path:
    """The store of a run directory, which may be one that several runs share, or ``path`` itself."""
    file = path
    if path.is_dir():
        directory = RunDirectory(path)
        shared = RunDirectory.read_settings(path).store if directory.settings.exists() else None
        file = shared or directory.calls
    if not file.is_file():
        raise RunDirectoryError(f"expected a run directory or a call store, found no file {file}; check the path")
    return file


def _accounts(store: CallStore, run: str | None) -> list[Account]:
    """The ledger, or the part of the one run whose name begins like that."""
    accounts = store.accounts()
    if run is None:
        return accounts
    names = sorted({account.run for account in accounts})
    fitting = [run] if run in names else [name for name in names if name.startswith(run)]
    if len(fitting) != 1:
        raise ConfigurationError(
            f"expected --run to begin like one of the {len(names)} runs in the ledger, and no other, got {run!r}; "
            "leave it out to see them"
        )
    return [account for account in accounts if account.run == fitting[0]]


def _matching(calls: Iterable[StoredCall], grep: str | None) -> Iterator[StoredCall]:
    for call in calls:
        texts = [*(message.content for message in call.request.messages), call.completion.text]
        if grep is None or any(grep.casefold() in text.casefold() for text in texts):
            yield call


def _export(calls: Iterable[StoredCall], target: str, store: Path) -> None:
    if target == STDOUT:
        _write_lines(calls, sys.stdout)
        return
    path = Path(target)
    if path.exists() and path.samefile(store):
        raise ConfigurationError(f"expected a file of its own for the export, got the call store {path}; name another")
    try:
        with path.open("w", encoding="utf-8") as file:
            count = _write_lines(calls, file)
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {path}: {error.strerror}; choose another file") from None
    print(f"{count:,} calls written to {path}")


def _write_lines(calls: Iterable[StoredCall], file: TextIO) -> int:
    """One JSON object a call, in ASCII, so that no text can steer a terminal."""
    count = 0
    for count, call in enumerate(calls, start=1):  # noqa: B007
        answer = asdict(call.completion)
        content = {
            "request": asdict(call.request),
            "answer": answer,
            "identity": dict(call.identity),
            "role": call.role,
        }
        file.write(json.dumps(content) + "\n")
    return count


def _print_found(calls: Iterable[StoredCall], grep: str) -> None:
    count = 0
    for count, call in enumerate(calls, start=1):  # noqa: B007
        print(f"asked     {printable(' '.join(message.content for message in call.request.messages))}")
        print(f"answered  {printable(call.completion.text)}\n")
    print(f"{count:,} calls with {printable(grep)!r}")


def _print_totals(file: Path, calls: Iterable[StoredCall], accounts: list[Account]) -> None:
    console = Console(highlight=False)
    totals = _totals(calls)
    whole = sum(totals.values(), Usage())
    head = (
        f"{file}: {whole.calls:,} answers, {whole.prompt_tokens + whole.completion_tokens:,} tokens{_period(accounts)}"
    )
    console.print(Text(printable(head)), soft_wrap=True)
    if totals:
        rows = [(model, role or "unknown", *_amounts(usage)) for (model, role), usage in totals.items()]
        _print_table(console, "Answers", ("model", "role", "answers", "prompt tokens", "answer tokens"), rows)
    if accounts:
        paid = [(a.run or "unnamed", a.role, f"{a.lost:,}", *_amounts(a.usage)) for a in accounts]
        heads = ("run", "role", "lost", "calls", "prompt tokens", "answer tokens")
        _print_table(console, "Paid, with lost tries and uncounted answers at their most", heads, paid)


def _totals(calls: Iterable[StoredCall]) -> dict[tuple[str, str], Usage]:
    """Answers and their tokens, by model and role."""
    totals: dict[tuple[str, str], Usage] = defaultdict(Usage)
    for call in calls:
        totals[_model(call), call.role] += Usage(1, call.completion.prompt_tokens, call.completion.completion_tokens)
    return dict(totals)


def _model(call: StoredCall) -> str:
    """The model as it is named on the command line, and its endpoint."""
    identity = call.identity
    name = f"{identity.get('backend', '?')}:{identity.get('model') or identity.get('function') or '?'}"
    return f"{name} at {identity['endpoint']}" if "endpoint" in identity else name


def _print_table(console: Console, title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print()
    console.print(table)


def _amounts(usage: Usage) -> tuple[str, str, str]:
    return f"{usage.calls:,}", f"{usage.prompt_tokens:,}", f"{usage.completion_tokens:,}"


def _period(accounts: list[Account]) -> str:
    """When the ledger's payments were made, in local time."""
    if not accounts:
        return ""
    first, last = min(account.first for account in accounts), max(account.last for account in accounts)
    return f", paid from {_time(first)} to {_time(last)}"


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
