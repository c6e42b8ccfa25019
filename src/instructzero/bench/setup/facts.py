"""What is known about the set-up of every cell: its settings, its journal's header and its recorded set-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from instructzero.bench.plan import OWN
from instructzero.bench.results import Cell, run_folder
from instructzero.bench.setup.record import SetupRecord, read_record
from instructzero.config import Settings
from instructzero.config.settings import metadata_of
from instructzero.errors import InstructZeroError
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal

UNSAID = (*OWN, "data_dir", "method")
"""Settings that the report does not list: those of the bench itself, and those that have a row of their own."""

_KINDS = ("method", "models", "task")
_PATH = re.compile(r"(?<![\w./~])(?:file://|~|[A-Za-z]:)?[\\/](?:[^\s\\/:;,\"']+[\\/])+")
_URL = re.compile(r"\bhttps?://[^\s\"']+")


@dataclass(frozen=True, slots=True)
class Facts:
    """A cell with its settings (None if they cannot be read), its journal's header, and its recorded set-up."""

    cell: Cell
    settings: Settings | None
    header: Mapping[str, Any]
    record: SetupRecord


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the default, its value, and the runs that have it."""

    where: str
    name: str
    value: str


def read_facts(cells: Sequence[Cell], out: Path) -> list[Facts]:
    """Return the facts of every cell of the bench in ``out``."""
    return [_facts(cell, run_folder(cell, out)) for cell in cells]


def _facts(cell: Cell, folder: Path) -> Facts:
    settings, header = None, {}
    with suppress(InstructZeroError, OSError):
        settings = RunDirectory.read_settings(folder)
    path = folder / "journal.jsonl"
    with suppress(InstructZeroError, OSError):
        header = dict(Journal(path, repair=False).history.header or {}) if path.exists() else {}
    return Facts(cell, settings, header, read_record(folder))


def differences_of(facts: Sequence[Facts]) -> list[Difference]:
    """Return the settings that are not the default, each for all runs, or for those of the names that it depends on."""
    known = [(fact.cell, fact.settings) for fact in facts if fact.settings is not None]
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return [
        difference
        for name in defaults
        if name not in UNSAID and not metadata_of(name)["operational"]
        for difference in _of_setting(name, defaults[name], [(cell, getattr(given, name)) for cell, given in known])
    ]


def _of_setting(name: str, default: object, values: Sequence[tuple[Cell, object]]) -> Iterator[Difference]:
    """Yield the values of one setting by the fewest kinds of names that it is a function of."""
    if all(value == default for _, value in values):
        return
    subsets = [kinds for size in range(len(_KINDS) + 1) for kinds in combinations(_KINDS, size)]
    for kinds in subsets:
        groups: dict[Hashable, dict[str, object]] = {}
        for cell, value in values:
            groups.setdefault(tuple(getattr(cell, kind) for kind in kinds), {})[repr(value)] = value
        if all(len(found) == 1 for found in groups.values()) or kinds == _KINDS:
            for group, found in groups.items():
                for value in found.values():
                    if value != default:
                        yield Difference(_where(group), name, shareable(_in_words(value)))
            return


def _in_words(value: object) -> str:
    if isinstance(value, tuple | list):
        return "\n---\n".join(map(str, value)) or "none"
    return "default" if value is None else str(value)


def _where(group: Any) -> str:
    return ", ".join(group) or "every run"


def shareable(text: str) -> str:
    """Return the text without folders, and with addresses without passwords and queries: it can be shared.

    >>> shareable("hf:/home/ada/models/writer at https://ada:secret@host/v1?key=1")
    'hf:…/writer at https://host/v1'
    """
    home = str(Path.home())
    text = text.replace(f"{home}/", "~/") if len(home) > 1 else text
    return _PATH.sub("…/", _URL.sub(_address, text))


def _address(found: re.Match[str]) -> str:
    try:
        parts = urlsplit(found[0])
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an address"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def grouped(facts: Sequence[Facts], value: Callable[[Facts], Hashable], name: str) -> dict[Any, list[str]]:
    """Return the names of the cells (``task``, ``models``, …) by the value of a function, in order of appearance."""
    found: dict[Any, dict[str, None]] = {}
    for fact in facts:
        found.setdefault(value(fact), {})[getattr(fact.cell, name)] = None
    return {key: list(names) for key, names in found.items()}
