"""The content of a call store, as tables on the terminal and as JSON lines."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instructzero.calls.database import ReadOnly
from instructzero.calls.ledger import Account
from instructzero.calls.store import CallStore, StoredCall
from instructzero.errors import ConfigurationError, RunDirectoryError
from instructzero.exports.targets import target_file
from instructzero.records.directory import RunDirectory
from instructzero.terminal import format_lost, printable
from instructzero.types import Finish, Usage
from instructzero.types.answers import PARTS

_HEADS = {"cached_tokens": "prompt: cached", "reasoning_tokens": "answer: thoughts"}

STDOUT = "-"
"""The name of an export that goes to standard output."""


def print_calls(path: Path, *, export: str | None = None, run: str | None = None, grep: str | None = None) -> None:
    """Print the answers and payments in a call store.

    Parameters
    ----------
    path
        A run directory, or the SQLite file of a store.
    export
        Write the calls as JSON lines to this file, or to standard output for ``"-"``, instead of printing totals.
    run
        The id of a run in the ledger, or its beginning: only the calls that the run paid for.
    grep
        Print, or export, only calls with this text in a message or the answer; case does not matter.

    Raises
    ------
    RunDirectoryError
        If there is no store, or the export cannot be written.
    ConfigurationError
        If no entry, or more than one, of the ledger begins with ``run``, or if ``export`` is a file of
        a store or of a run.
    """
    file = find_store(path)
    with CallStore(ReadOnly(file)) as store:
        accounts = _accounts(store, run)
        calls = _matching(store.export(run=accounts[0].run if run is not None else None), grep)
        if export is not None:
            _export(calls, export)
        elif grep is not None:
            _print_found(calls, grep)
        else:
            _print_totals(file, calls, accounts)


def find_store(path: Path) -> Path:
    """Return the store that a run directory uses, which several runs may share, or ``path`` itself if it is a file."""
    file = path
    if path.is_dir():
        directory = RunDirectory(path)
        shared = RunDirectory.read_settings(path).store if directory.settings.exists() else None
        file = shared or directory.own_calls()
    if not file.is_file():
        raise RunDirectoryError(f"expected a run directory or a call store, found no file {file}; check the path")
    return file


def _accounts(store: CallStore, run: str | None) -> list[Account]:
    """Return the ledger, or the entries of the one run whose id begins with ``run``."""
    accounts = store.accounts()
    if run is None:
        return accounts
    names = sorted({account.run for account in accounts})
    fitting = [run] if run in names else [name for name in names if name.startswith(run)]
    if len(fitting) != 1:
        raise ConfigurationError(
            f"expected --run to begin exactly one of the {len(names)} run ids in the ledger, got {run!r}; "
            "leave it out to list them"
        )
    return [account for account in accounts if account.run == fitting[0]]


def _matching(calls: Iterable[StoredCall], grep: str | None) -> Iterator[StoredCall]:
    for call in calls:
        texts = [*(message.content for message in call.request.messages), call.completion.text]
        if grep is None or any(grep.casefold() in text.casefold() for text in texts):
            yield call


def _export(calls: Iterable[StoredCall], target: str) -> None:
    if target == STDOUT:
        _write_lines(calls, sys.stdout)
        return
    path = Path(target)
    with target_file(path) as file, TextIOWrapper(file, encoding="ascii") as text:
        count = _write_lines(calls, text)
    print(f"{count:,} calls written to {path}")


def _write_lines(calls: Iterable[StoredCall], file: TextIO) -> int:
    """Write one JSON object per call, in ASCII, so that no text can control a terminal, and return their number."""
    count = 0
    for count, call in enumerate(calls, start=1):  # noqa: B007
        answer = asdict(call.completion)
        if call.completion.finish is Finish.COMPLETE:
            del answer["finish"]
        for name in ("reason", *PARTS):  # the store keeps the parts by payment, not by answer
            if not answer[name]:
                del answer[name]
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
        print(f"prompt    {printable(' '.join(message.content for message in call.request.messages))}")
        print(f"answer    {printable(call.completion.text)}\n")
    print(f"{count:,} calls with {printable(grep)!r}")


def _print_totals(file: Path, calls: Iterable[StoredCall], accounts: list[Account]) -> None:
    console = Console(highlight=False)
    totals = _totals(calls)
    whole = sum(totals.values(), Usage())
    head = f"{file}: {whole.calls:,} answers, {whole.tokens:,} tokens{_period(accounts)}"
    console.print(Text(printable(head)), soft_wrap=True)
    if totals:
        rows = [(model, role or "unknown", *_amounts(usage)) for (model, role), usage in totals.items()]
        _print_table(console, "Answers", ("model", "role", "answers", "prompt tokens", "answer tokens"), rows)
    if accounts:
        _print_ledger(console, accounts)


def _print_ledger(console: Console, accounts: Sequence[Account]) -> None:
    """Print the payments by run and role, and their total; the parts of tokens only if there are any."""
    total = sum((account.usage for account in accounts), Usage())
    parts = [name for name in PARTS if getattr(total, name)]
    paid = [
        (
            account.run or "unnamed",
            account.role,
            f"{account.lost:,}",
            *_amounts(account.usage),
            *(f"{getattr(account.usage, name):,}" for name in parts),
        )
        for account in accounts
    ]
    heads = ("run", "role", "lost", "calls", "prompt tokens", "answer tokens", *(_HEADS[name] for name in parts))
    title = "Paid calls; lost attempts and answers without token counts are counted at their maximum cost"
    _print_table(console, title, heads, paid)
    lost = sum(account.lost for account in accounts)
    paid_in_all = f"{total.calls:,} calls, {total.tokens:,} tokens"
    print(f"\nPaid in all: {paid_in_all}{f'; {format_lost(lost)}' if lost else ''}")


def _totals(calls: Iterable[StoredCall]) -> dict[tuple[str, str], Usage]:
    """Return the number of answers and their tokens, by model and role."""
    totals: dict[tuple[str, str], Usage] = defaultdict(Usage)
    for call in calls:
        totals[_model(call), call.role] += call.completion.usage
    return dict(totals)


def _model(call: StoredCall) -> str:
    """Return the model as the command line names it, with its endpoint."""
    identity = call.identity
    name = f"{identity.get('backend', '?')}:{identity.get('model') or identity.get('function') or '?'}"
    return f"{name} at {identity['endpoint']}" if "endpoint" in identity else name


def _print_table(console: Console, title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))  # a store may hold other types
    console.print()
    console.print(table)


def _amounts(usage: Usage) -> tuple[str, str, str]:
    return f"{usage.calls:,}", f"{usage.prompt_tokens:,}", f"{usage.completion_tokens:,}"


def _period(accounts: list[Account]) -> str:
    """Return the time span of the payments in the ledger, in local time."""
    if not accounts:
        return ""
    first, last = min(account.first for account in accounts), max(account.last for account in accounts)
    return f", paid from {_time(first)} to {_time(last)}"


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
