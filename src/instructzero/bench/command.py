"""The command ``instructzero bench``: run the cells of a plan that are missing, then report on all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instructzero.bench.extras import check_extras
from instructzero.bench.plan import CellPlan, Plan, cells_of, make_plan
from instructzero.bench.results import CELL, Cell
from instructzero.config.yaml_file import load_yaml
from instructzero.errors import ConfigurationError, RunDirectoryError, UserError
from instructzero.files import make_folder, sharing
from instructzero.records.begun import mark_begun
from instructzero.records.directory import RunDirectory
from instructzero.terminal import short
from instructzero.types import Usage

if TYPE_CHECKING:
    from instructzero.bench.cell import Outcome
    from instructzero.bench.setup.section import Payment
    from instructzero.bench.watching import Watch

Say = Callable[[str], None]

_WRITTEN = ("report.html", "report.md", "scores.csv", "scores.parquet", "tables", "figures", "paper")
_FOLDERS = ("tables", "figures", "paper", "answers", "jobs")
_SHOWN = 80  # characters of a setting in a message


@dataclass(frozen=True, slots=True)
class Bench:
    """A finished bench: its cells, its folder, and the files of its report."""

    cells: list[Cell]
    out: Path
    written: list[Path]


def bench(
    file: Path | None, flags: Mapping[str, Any], paper: str | None, say: Say, watch: Watch | None = None
) -> Bench:
    """Run a plan and write its report.

    Parameters
    ----------
    file
        A YAML file with the plan, or None.
    flags
        Values that replace those of the file.
    paper
        A figure or table of the paper to draw as well; its plan holds the default values.
    say
        Prints one line of progress.
    watch
        Shows the running cells; by default, `say` prints lines about them.

    Raises
    ------
    UserError
        If the plan cannot be run; the message is one sentence.
    """
    plan = make_plan(_merged(_of_paper(paper), load_yaml(file) if file else {}, flags))
    if paper is not None:
        _check_paper(paper, plan)
    check_extras(plan.log_to)
    with sharing(plan.is_shared):
        outcomes = run_outcomes(plan, say, watch)
        for cell in cells_of(plan) if paper else ():
            if cell.folder.is_dir():
                mark_begun(RunDirectory(cell.folder), cell.settings)  # the plan names all that `manual_result` uses
        return Bench([outcome.cell for outcome in outcomes], plan.out, _report(outcomes, plan.out, paper))


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the keys of all layers; later layers win. Settings are merged key by key."""
    merged: dict[str, Any] = {}
    for layer in layers:
        before, after = merged.get("settings"), layer.get("settings")
        merged |= layer
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            merged["settings"] = {**before, **after}
    return merged


def run_plan(plan: Plan, say: Say) -> list[Cell]:
    """Return all cells of the plan in its order: read those that are finished, run and report the others."""
    return [outcome.cell for outcome in run_outcomes(plan, say)]


def run_outcomes(plan: Plan, say: Say, watch: Watch | None = None) -> list[Outcome]:
    """Do what `run_plan` does; return also what was paid. ``watch`` shows the running cells, ``say`` by default."""
    from instructzero.bench.cell import kept_outcome
    from instructzero.bench.engines import make_engine
    from instructzero.bench.progress import BenchProgress
    from instructzero.bench.sharing import share_earlier_answers
    from instructzero.bench.watching import in_lines

    plans = cells_of(plan)
    _check_folder(plan.out)
    _check_links(plan.out.resolve(), plans)
    engine = make_engine(plan)
    kept = {cell.folder: outcome for cell in plans if (outcome := kept_outcome(cell))}
    missing = [cell for cell in plans if cell.folder not in kept]
    _make_folder(plan.out)
    share_earlier_answers(plans, missing)
    say(_plan_line(plan, plans))
    progress = BenchProgress(len(plans), say)
    progress.kept(list(kept.values()))
    found = {_key(outcome.cell): outcome for outcome in kept.values()}
    with (watch or partial(in_lines, say))(missing), closing(engine.map(missing)) as outcomes:
        for outcome in outcomes:
            progress.finished(outcome)
            found[_key(outcome.cell)] = outcome
    return [found[_key(cell)] for cell in plans]


def _check_folder(out: Path) -> None:
    """Raise `RunDirectoryError` if the folder holds files that a report would replace, and no bench wrote them."""
    found = [name for name in _WRITTEN if os.path.lexists(out / name)]
    if found and not any(out.glob(f"*/*/*/{CELL}")):
        raise RunDirectoryError(
            f"expected a bench or no bench in {out}, got files of other origin that the report would replace "
            f"({', '.join(found)}); choose another --out"
        )


def _check_links(out: Path, plans: Sequence[CellPlan]) -> None:
    """Raise `RunDirectoryError` for a link in the place of a folder below ``out``, which may be somebody else's."""
    stores = [plan.settings.store.parent for plan in plans if plan.settings.store is not None]
    written = [*(out / name for name in _FOLDERS), *(plan.folder for plan in plans), *stores]
    folders = dict.fromkeys(place for folder in written for place in (*reversed(folder.parents), folder))
    for folder in folders:
        if out in folder.parents and folder.is_symlink():
            raise RunDirectoryError(f"expected a folder of the bench, got the link {folder}; choose another --out")


def _make_folder(out: Path) -> None:
    try:
        make_folder(out)
    except OSError as error:
        raise RunDirectoryError(f"cannot write to {out}: {error.strerror}; choose another --out") from None


def _key(cell: Cell | CellPlan) -> tuple[str, str, str, int]:
    return cell.models, cell.method, cell.task, cell.seed


def _plan_line(plan: Plan, plans: Sequence[CellPlan]) -> str:
    from instructzero.bench.sharing import sharing_words

    tasks = len({cell.task for cell in plans})
    sizes = {"method": len(plan.methods), "task": tasks, "seed": plan.seeds, "pair": len(plan.models)}
    product = " × ".join(f"{size} {name}{'' if size == 1 else 's'}" for name, size in sizes.items())
    budgets = ", ".join(f"{budget:,}" for budget in plan.budgets)
    what = f"{product} of models = {len(plans):,} runs, tested at {budgets} calls"
    return f"{what}; {plan.workers} in parallel, results in {plan.out}; {sharing_words(plans)}"


def _of_paper(name: str | None) -> Mapping[str, Any]:
    """Return the plan of a figure or table of the paper."""
    if name is None:
        return {}
    from instructzero.bench.paper import PLANS

    if name not in PLANS:
        raise ConfigurationError(f"unknown figure {name!r} of the paper; expected one of {', '.join(PLANS)}")
    return PLANS[name]


def _check_paper(name: str, plan: Plan) -> None:
    from instructzero.bench.paper_checks import check_paper

    check_paper(name, cells_of(plan))


def _report(outcomes: Sequence[Outcome], out: Path, paper: str | None) -> list[Path]:
    from instructzero.bench.export import write_parquet
    from instructzero.bench.page import write_report

    cells = [outcome.cell for outcome in outcomes]
    paths = write_report(cells, out, _paid(outcomes))
    paths += write_parquet(cells, out / "scores.parquet")
    if paper is not None:
        from instructzero.bench.paper import draw

        paths += draw(paper, cells, out)
    return paths


def _paid(outcomes: Sequence[Outcome]) -> Payment:
    """Return what was paid for all cells; questions that cells share are paid once."""
    from instructzero.bench.setup.section import Payment

    prices = [outcome.usd for outcome in outcomes if outcome.usd is not None]
    usage = sum((outcome.paid for outcome in outcomes), Usage())
    return Payment(usage, sum(prices) if len(prices) == len(outcomes) else None)


def settings_of(assignments: Sequence[str]) -> dict[str, Any]:
    """Return the settings of texts such as ``validation=10``; values are read as YAML.

    Raises
    ------
    UserError
        If a text is not NAME=VALUE, or its value is not YAML.
    """
    from instructzero.config.yaml_text import YamlFault, read_yaml

    found = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UserError(f"expected --set NAME=VALUE, got {text!r}; write for example --set validation=10")
        try:
            found[name.strip().replace("-", "_")] = read_yaml(value)
        except YamlFault as fault:
            raise UserError(
                f"expected a YAML value in --set {short(text, _SHOWN)}, got one with {fault}; put the value in "
                "quotation marks"
            ) from None
    return found
