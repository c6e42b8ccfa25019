"""Refuses a figure of the paper that cannot be drawn of the cells of a plan, before the first of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from instructzero.bench.paper_figures import BASELINES, ITERATION
from instructzero.bench.plan import CellPlan
from instructzero.errors import ConfigurationError
from instructzero.models.registry import is_asked


def check_paper(name: str, cells: Sequence[CellPlan]) -> None:
    """Raise `ConfigurationError` if the figure or table ``name`` cannot be made of the cells."""
    for check in _CHECKS.get(name, ()):
        check(name, cells)


def _check_baseline(name: str, cells: Sequence[CellPlan]) -> None:
    methods = {cell.method for cell in cells}
    if not (methods & set(BASELINES) and methods - set(BASELINES)):
        raise ConfigurationError(
            f"{name} shows the improvement of other methods over {' and '.join(BASELINES)}: expected one of these and "
            f"another method, got {', '.join(sorted(methods))}; name both kinds with --methods"
        )


def _check_evaluations(name: str, cells: Sequence[CellPlan]) -> None:
    for cell in cells:
        if cell.settings.evaluations < ITERATION:
            raise ConfigurationError(
                f"{name} shows iterations of {ITERATION} evaluations: expected at least so many, got "
                f"{cell.settings.evaluations} of {cell}; raise the setting evaluations"
            )


def _check_writer(name: str, cells: Sequence[CellPlan]) -> None:
    for cell in cells:
        if is_asked(cell.settings.writer):
            raise ConfigurationError(
                f"{name} needs a writer that takes soft prompts: expected a local one, got {cell.settings.writer} of "
                f"{cell}; choose another writer, or another figure"
            )


_CHECKS: Mapping[str, Sequence[Callable[[str, Sequence[CellPlan]], None]]] = {
    "fig1": (_check_baseline,),
    "fig5": (_check_evaluations,),
    "fig6": (_check_writer, _check_evaluations),
    "table1": (_check_writer,),
}
