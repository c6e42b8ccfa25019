"""The settings with which a run may be continued although they change its result.

A search may go on for longer, and the final selection and the final test may be made anew: neither changes what was
searched before. What the search depends on may not change: method, seed, models, exemplars, validation examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from instructzero.config import Settings, differences
from instructzero.errors import OtherRun
from instructzero.records.history import History
from instructzero.records.identity import difference
from instructzero.tasks import Task

SIZES = ("exemplars", "validation", "confirmation", "test")
"""The sizes of the parts. The header of the journal has digests of the parts themselves, which are compared instead."""

_SEARCHED = ("exemplars", "validation")
_FINAL = ("confirmation", "test")  # the parts of the data that the search does not read

_BEGUN = "it was begun with another "
_OTHER_ANSWERS = (f"{_BEGUN}black box ", f"{_BEGUN}code of the function ")
"""The beginnings of differences after which no stored answer can be used."""


def obstacles(old: Settings, new: Settings, made: Callable[[], int]) -> list[str]:
    """Return the differences with which a run cannot be continued, each as ``name: old there, new here``.

    Parameters
    ----------
    old, new
        The settings of the run, and those to continue it with.
    made
        Returns the number of evaluations that were begun; it is called if fewer are asked for than before.
    """
    free = {*SIZES, "finalists"}
    if new.evaluations >= old.evaluations or new.evaluations >= made():
        free.add("evaluations")
    if new.batch_api != old.batch_api:  # it changes the default, and `check_races` compares whether instructions race
        free.add("racing")
    if new.search_calls is None or (old.search_calls is not None and new.search_calls >= old.search_calls):
        free.add("search_calls")
    return differences(old, new, besides=free)


def resizes(old: Settings, new: Settings) -> bool:
    """Return True if another size of a part is asked for, so that the parts may be other ones."""
    return any(getattr(old, name) != getattr(new, name) for name in SIZES)


def check_races(path: Path, before: bool, now: bool) -> None:
    """Raise `OtherRun` if instructions race in only one of the run in ``path`` and what is asked for."""
    if before != now:
        words = {True: "race", False: "do not race"}
        raise OtherRun(
            path,
            f"its instructions {words[before]}, and with these settings they {words[now]}",
            f"continue it with --racing {'yes' if before else 'no'}",
        )


def check_test(path: Path, task: Task, history: History) -> None:
    """Raise `OtherRun` if the run in ``path`` has been tested on more examples than the ``task`` has for the test."""
    tested = max((len(evaluation.scores) for evaluation in history.tests.values()), default=0)
    if len(task.test) < tested:
        raise OtherRun(
            path, f"it was tested on {tested} examples, and a run can be continued with more, not with fewer"
        )


def is_new_header(journal: Path, history: History, header: Mapping[str, Any], *, resized: bool) -> bool:
    """Return True if the header has to be written: the run is new, or is continued with other final examples.

    Parameters
    ----------
    journal, history
        The file of the journal, and what it holds.
    header
        The header of the run that is asked for.
    resized
        True if the user has changed the size of a part. The examples of the final selection and the final test may then
        be other ones, or if the run has had them before.

    Raises
    ------
    OtherRun
        If the run was begun with another header.
    """
    if history.header is None:
        return True
    changes = resized or header in history.past_headers
    recorded = _with_final_parts(history.header, header) if changes else history.header
    if changed := _difference(recorded, header, resized):
        raise OtherRun(
            journal.parent,
            changed,
            f"use another directory (--out){_reuse(journal, changed)}, begin anew in this one (--overwrite), or "
            "restore what has changed",
            resumable=resized,
        )
    return changes and recorded != history.header


def _difference(recorded: Mapping[str, Any], header: Mapping[str, Any], resized: bool) -> str:
    changed = difference(recorded, header)
    if changed is None:
        return ""
    if resized and (part := next((part for part in _SEARCHED if recorded.get(part) != header.get(part)), None)):
        return f"the sizes of the parts that are asked for change its {part} examples, on which the search depends"
    return f"{_BEGUN}{changed}"


def _with_final_parts(header: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``header`` with the digests of the final parts of the ``other`` one."""
    return {
        **{name: value for name, value in header.items() if name not in _FINAL},
        **{name: value for name, value in other.items() if name in _FINAL},
    }


def _reuse(journal: Path, changed: str) -> str:
    """Return how another run gets the answers of this one, if they are here and those of the same black box."""
    store = journal.with_name("calls.sqlite")
    if not store.exists() or changed.startswith(_OTHER_ANSWERS):
        return ""
    return f" (with --store {store}, equal questions are not paid again)"
