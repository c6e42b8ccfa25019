"""The section of a bench's report that describes the set-up of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instructzero.bench.parts import Captioned, Section
from instructzero.bench.results import Cell
from instructzero.bench.setup.facts import Facts, differences_of, grouped, read_facts, shareable
from instructzero.bench.setup.record import PARTS, SetupRecord
from instructzero.bench.tables import Table
from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.terminal import format_cost, format_seconds
from instructzero.types import Usage

UNKNOWN = "unknown"
"""Stands for what an older version did not record."""

_ROLES = (BLACK_BOX, WRITER, JUDGE)
_NAMES = 12  # of tasks in a cell of a table


@dataclass(frozen=True, slots=True)
class Payment:
    """The calls that were paid for all cells, tests included, and their cost; None if a price is not known."""

    usage: Usage
    usd: float | None


def setup_section(cells: Sequence[Cell], out: Path, paid: Payment | None = None) -> Section:
    """Return the section; ``paid`` is None if the payments are not known."""
    facts = read_facts(cells, out)
    tables = (
        Captioned("setup", "The runs, what they cost, and where they ran.", _overview(facts, paid)),
        Captioned("models", "The models of each pair, as the runs recorded them.", _models(facts)),
        Captioned("data", "The metric and the number of examples in each part of a task.", _data(facts)),
        Captioned("settings", "The settings that differ from the defaults.", _settings(facts), quoted=True),
        Captioned("prompts", "The prompts, with placeholders for what is filled in.", _prompts(facts), quoted=True),
    )
    unknown = sum(not fact.record.places for fact in facts)
    note = [f"{unknown:,} of {len(facts):,} runs are of an older version, which recorded no machine, package versions "
            "and sizes; they are unknown."] if unknown else []  # fmt: skip
    return Section("Set-up", (*note, *(table for table in tables if table.table.rows)))


def _overview(facts: Sequence[Facts], paid: Payment | None) -> Table:
    cells = [fact.cell for fact in facts]
    budgets = sorted({mark.budget for cell in cells for mark in cell.marks})
    rows = {
        "methods": _named(cell.method for cell in cells),
        "tasks": _named(cell.task for cell in cells),
        "pairs of models": _named(cell.models for cell in cells),
        "seeds": _named(str(cell.seed) for cell in cells),
        "budgets": f"{', '.join(f'{budget:,}' for budget in budgets)} calls",
        "runs": f"{len(cells):,}",
        **_costs(cells, paid),
        "wall-clock time": f"{format_seconds(sum(cell.seconds for cell in cells))}, all runs added up",
        **_places([fact.record for fact in facts]),
    }
    return Table(("set-up", "value"), tuple(rows.items()))


def _costs(cells: Sequence[Cell], paid: Payment | None) -> dict[str, str]:
    """Return the usage that the searches asked for, each as if it were alone, and what was paid in all."""
    asked = sum((cell.usage for cell in cells), Usage())
    prices = [cell.usd for cell in cells if cell.usd is not None]
    rows = {"asked by the searches": _usage(asked, sum(prices) if len(prices) == len(cells) else None)}
    rows["paid, tests included"] = UNKNOWN if paid is None else _usage(paid.usage, paid.usd)
    return rows


def _usage(usage: Usage, usd: float | None) -> str:
    return (
        f"{usage.calls:,} calls, {usage.prompt_tokens:,} prompt tokens, {usage.completion_tokens:,} completion tokens, "
        f"{format_cost(usd)}"
    )


def _places(records: Iterable[SetupRecord]) -> dict[str, str]:
    """Return the machines and the versions of packages; several of one kind are separated by semicolons."""
    places = [place for record in records for place in record.places]
    machines = dict.fromkeys(", ".join(f"{name} {text}" for name, text in place.machine.items()) for place in places)
    versions: dict[str, dict[str, None]] = {}
    for place in places:
        for name, text in place.versions.items():
            versions.setdefault(name, {})[text] = None
    packages = ", ".join(f"{name} {' or '.join(found)}" for name, found in versions.items())
    return {
        "machine" if len(machines) < 2 else f"{len(machines)} machines": "; ".join(machines) or UNKNOWN,
        "packages": packages or UNKNOWN,
    }


def _models(facts: Sequence[Facts]) -> Table:
    """Return a row for each model; cells of one pair may have asked several versions of it."""
    found: dict[tuple[str, str, str, str], None] = {}
    for fact in facts:
        for role in _ROLES:
            if isinstance(identity := fact.header.get(role), dict):
                details = [f"{name} {value}" for name, value in identity.items() if name != "model"]
                model = str(identity.get("model", UNKNOWN))
                found[fact.cell.models, role, shareable(model), shareable(", ".join(details))] = None
    return Table(("models", "role", "model", "details"), tuple(found))


def _data(facts: Sequence[Facts]) -> Table:
    """Return the metric and the sizes; tasks with the same ones share a row."""
    groups = grouped(facts, _sizes_of, "task")
    return Table(("tasks", "metric", *PARTS), tuple((_shortened(tasks), *values) for values, tasks in groups.items()))


def _sizes_of(fact: Facts) -> tuple[str, ...]:
    """Return metric and sizes of a cell; of an older one, the metric and the test examples that it has scores of."""
    metric = fact.record.metric or str(fact.header.get("metric", UNKNOWN))
    known = {**dict.fromkeys(PARTS, UNKNOWN), "test": str(len(fact.cell.plain.test_scores))}
    known |= {name: str(size) for name, size in fact.record.sizes.items()}
    return shareable(metric), *(known[name] for name in PARTS)


def _settings(facts: Sequence[Facts]) -> Table:
    rows = tuple((found.name, found.value, found.where) for found in differences_of(facts))
    return Table(("setting", "value", "runs"), rows)


def _prompts(facts: Sequence[Facts]) -> Table:
    """Return the prompts by role; tasks with the same one share a row."""
    rows = []
    for role in dict.fromkeys(role for fact in facts for role in _prompts_of(fact)):
        own = [fact for fact in facts if role in _prompts_of(fact)]
        for text, tasks in grouped(own, lambda fact, role=role: _prompts_of(fact)[role], "task").items():  # type: ignore[misc]
            rows.append((role, "every task" if len(tasks) == _count(facts) else _shortened(tasks), text))
    return Table(("prompt for", "tasks", "text"), tuple(rows))


def _prompts_of(fact: Facts) -> dict[str, str]:
    found = fact.header.get("prompts")
    return {str(role): shareable(str(text)) for role, text in found.items()} if isinstance(found, dict) else {}


def _count(facts: Sequence[Facts]) -> int:
    return len({fact.cell.task for fact in facts})


def _named(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return f"{len(found)}: {', '.join(found)}"


def _shortened(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    return f"{', '.join(names[:_NAMES])} and {more} more" if more > 0 else ", ".join(names)
