"""The page of a compilation: one row for each turn, with a link to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from instructzero.errors import RunDirectoryError
from instructzero.files import make_folder, write_atomically
from instructzero.integrations.dspy.turns import Taken
from instructzero.report.document import document
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.page import top

_HEADS = ("Turn", "Predictor", "Instruction before", "Instruction after", "Test before", "Test after", "Calls")


def write_summary(out: Path, program: str, taken: Sequence[Taken]) -> Path:
    """Write the page ``report.html`` of the turns of a ``program`` into a directory, and return its path.

    Raises
    ------
    RunDirectoryError
        If it cannot be written.
    """
    path = out / "report.html"
    try:
        make_folder(out)
        write_atomically(path, _page(program, taken))
    except OSError as error:
        raise RunDirectoryError(
            f"expected a directory that can be written, got {out} ({error.strerror}); name another one as out"
        ) from error
    return path


def _page(program: str, taken: Sequence[Taken]) -> str:
    head = tag("tr", *(tag("th", name, scope="col") for name in _HEADS))
    table = tag("table", tag("thead", head), tag("tbody", *map(_row, taken)))
    changed = sum(one.has_changed for one in taken)
    lead = (
        f"{len(taken):,} {_plural('turn', len(taken))}, {changed:,} of which found a better instruction. "
        "A predictor keeps its instruction unless another one is shown to be better on the test examples."
    )
    title = f"{program}: instructions of a DSPy program"
    main = join(
        tag("p", lead, class_="lead"), tag("div", table, class_="wide", tabindex="0", role="region", aria_label="Turns")
    )
    return document(
        title,
        tag("header", top("InstructZero for DSPy"), tag("h1", title)),
        tag("main", main, id="main"),
        styles=("page.css",),
        scripts=("theme.js",),
    )


def _row(one: Taken) -> Html:
    number, name = f"{one.turn.number}", foreign(one.turn.predictor)
    if one.result is None:
        cells = (number, name, foreign(one.before), "kept: the limit left no room for the test", "–", "–", "–")
    else:
        result, link = one.result, f"{quote(one.turn.directory.name)}/report.html"
        after = foreign(one.after) if one.has_changed else "kept"
        own = next((scored for scored in result.starts if scored.instruction == one.before), None)
        calls = sum(usage.calls for usage in result.spent.values())
        scores = ("–" if own is None else f"{own.test.score:.3f}", f"{result.test_score:.3f}")
        cells = (tag("a", number, href=link), name, foreign(one.before), after, *scores, f"{calls:,}")
    return tag("tr", *(tag("td", cell) for cell in cells))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
