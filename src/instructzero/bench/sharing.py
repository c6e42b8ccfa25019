"""What the cells of a bench share: the answers of a task, so that a question is paid once over methods and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from instructzero.bench.plan import CellPlan, shares_over_seeds
from instructzero.calls.database import ReadOnly
from instructzero.calls.store import CallStore
from instructzero.files import make_folder


def sharing_words(plans: Sequence[CellPlan]) -> str:
    """Return the clause of the plan's line about the answers that its cells share."""
    over = {shares_over_seeds(plan.settings) for plan in plans}
    if over == {True}:
        return "each task's answers are shared by its methods and seeds"
    if over == {False}:
        return "each task's answers are shared by its methods"
    return "each task's answers are shared by its methods, and by its seeds where they cost money"


def share_earlier_answers(plans: Sequence[CellPlan], missing: Sequence[CellPlan]) -> None:
    """Give the ``missing`` cells the answers in all stores of their task, of which older versions made one a seed.

    Nobody is charged for the copies.

    Raises
    ------
    RunDirectoryError
        If a store cannot be read or written.
    """
    stores: dict[tuple[str, str], dict[Path, None]] = {}
    for plan in plans:
        if plan.settings.store is not None and shares_over_seeds(plan.settings):
            stores.setdefault((plan.models, plan.task), {})[plan.settings.store] = None
    targets = {plan.settings.store for plan in missing}
    for of_task in stores.values():
        for target in of_task:
            for source in of_task:
                if target in targets and source != target and source.exists():
                    _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    with CallStore(ReadOnly(source)) as earlier, CallStore(target) as store:
        store.add_answers_of(earlier)
