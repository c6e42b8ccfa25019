"""The HTML of watched runs: the progress line, the overview of several runs, and the page before a run starts."""

from __future__ import annotations

import shlex
import time
import zlib
from collections.abc import Iterator, Sequence

from instructzero.models.waits import clock
from instructzero.report.document import document
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.page import top
from instructzero.terminal import format_cost
from instructzero.watch.followed import FollowedRun
from instructzero.watch.progress import Progress

_STYLES, _SCRIPTS = ("page.css", "live.css"), ("theme.js", "follow.js")
_QUIET_S = 60.0
"""Seconds without a new journal record after which the page says so."""

_TEXT_LENGTH = 500
"""The maximum length of an instruction on the overview page, in characters."""

_STAGES = {
    "beginning": "scoring the baselines",
    "searching": "searching",
    "testing": "final selection and test",
    "ended": "finished",
}


def progress_line(run: FollowedRun, shown: int | None = None, *, alone: bool = True) -> Html:
    """Render the progress of a run, and any problem with its files.

    Parameters
    ----------
    run
        The run.
    shown
        The number of evaluations on the page below the line; the number of the run if it is not given.
    alone
        True if no other run is watched. Otherwise the line links to the overview.
    """
    found = run.progress
    others = [] if alone else [tag("p", tag("a", "All runs", href="../"))]
    if found is None:
        return join(*others, _problem(run) or tag("p", "Waiting for the run to start."))
    facts = " · ".join([f"{_STAGES[found.stage]}: {_reached(found)}", *_facts(found), *_times(run, found)])
    behind = found.done - (found.done if shown is None else shown)
    note = f"The page below is {behind:,} evaluations behind and updates automatically." if behind > 0 else ""
    return join(
        tag("p", _bar(found), facts, class_="progress"),
        *([tag("p", note, class_="faint")] if note else []),
        *others,
        _wait(run),
        _problem(run),
    )


def title(run: FollowedRun) -> str:
    """Return the document title: the progress and the task of a run."""
    found = run.progress
    if found is None:
        return f"{run.name}: no run yet"
    return f"{'finished' if found.has_ended else f'{100 * found.share:.0f} %'} · {found.task}"


def waiting_page(run: FollowedRun, version: str, progress: Html) -> str:
    """Return the page of a directory that has no run to show yet."""
    if run.problem:
        main = tag(
            "p",
            "The run cannot be shown because of the problem above. This page tries again when the files change.",
            class_="lead",
        )
        return _page(run.name, "waiting", version, main, progress)
    words = "There is no run here yet. This page shows the run as soon as it starts. To start one, for example:"
    command = f"instructzero run --task TASK --out {shlex.quote(str(run.directory))}"
    main = join(tag("p", words, class_="lead"), tag("pre", foreign(command)))
    return _page(f"Waiting for a run in {run.name}", "waiting", version, main, progress)


def overview_progress(runs: Sequence[FollowedRun]) -> tuple[Html, str]:
    """Return the progress of several runs together, and the document title."""
    ended = sum(run.progress is not None and run.progress.has_ended for run in runs)
    return tag("p", f"{ended:,} of {len(runs):,} runs finished."), f"{ended:,} of {len(runs):,} runs finished"


def overview_page(runs: Sequence[FollowedRun]) -> tuple[str, str]:
    """Return the overview page of several runs, and its version, which changes with its content."""
    main = overview(runs)
    version = f"{zlib.crc32(main.encode()):08x}"
    return _page(f"{len(runs):,} runs", "overview", version, main, overview_progress(runs)[0]), version


def overview(runs: Sequence[FollowedRun]) -> Html:
    """Render one card per run, with all figures at the same scale."""
    calls = max((run.progress.calls for run in runs if run.progress is not None), default=0)
    cards = [tag("li", *_card(number, run, calls), id=f"run-{number}") for number, run in enumerate(runs, start=1)]
    words = (
        f"The figures show the best score so far, from 0 to 1, against calls to the black box, from 0 to {calls:,}. "
        "The dashed line is the plain instruction."
    )
    return join(tag("p", words, class_="faint"), tag("ul", *cards, class_="runs"))


def _page(name: str, kind: str, version: str, main: Html, progress: Html) -> str:
    return document(
        name,
        tag("header", top("instructzero watch"), tag("h1", name), tag("div", progress, id="live")),
        tag("main", main, id="main"),
        styles=_STYLES,
        scripts=_SCRIPTS,
        connects=True,
        data_version=version,
        data_kind=kind,
    )


def _card(number: int, run: FollowedRun, calls: int) -> Iterator[Html]:
    found = run.progress
    name = found.task if found is not None else run.name
    yield tag("h2", tag("a", foreign(name), href=f"{number}/"))
    yield tag("p", foreign(str(run.directory)), class_="faint")
    if found is None:
        yield tag("p", "There is no run here yet.")
    else:
        yield tag("p", f"{found.method}, seed {found.seed}: {' · '.join([_STAGES[found.stage], *_times(run, found)])}")
        yield _bar(found)
        yield _figure(found, calls)
        yield tag("dl", *_terms(found))
        if found.best is not None:
            yield foreign(cut(found.best[0], _TEXT_LENGTH) or "(empty)", "blockquote", tabindex="0")
    yield _wait(run)
    yield _problem(run)


def _terms(found: Progress) -> Iterator[Html]:
    terms = {
        "progress": _reached(found),
        "best so far": "none yet" if found.best is None else f"{found.best[1]:.3f}",
        "plain": "not scored yet" if found.plain is None else f"{found.plain:.3f}",
        "black box": f"{found.calls:,} calls, {format_cost(found.usd)}",
    }
    for name, said in terms.items():
        yield tag("dt", name)
        yield tag("dd", said)


def _figure(found: Progress, calls: int) -> Html:
    """Draw the best value against calls, from 0 to ``calls``; the dashed line is the plain instruction."""
    if not found.steps:
        return Html("")
    points = [(300 * at / max(calls, 1), 100 - 100 * value) for at, value in found.steps]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
    words = f"best score so far against calls: {found.steps[-1][1]:.3f} after {found.calls:,} calls"
    plain = 100 - 100 * (found.plain or 0.0)
    return tag(
        "svg",
        tag("line", x1="0", x2="300", y1=f"{plain:.1f}", y2=f"{plain:.1f}"),
        tag("path", d=f"{path}H{300 * found.calls / max(calls, 1):.1f}"),
        viewBox="0 -3 300 106",
        preserveAspectRatio="none",
        role="img",
        aria_label=words,
    )


def _bar(found: Progress) -> Html:
    return tag("progress", max="1", value=f"{found.share:.3f}", aria_label="completed share of the search")


def _reached(found: Progress) -> str:
    return f"{found.done:,} of {found.planned:,} evaluations"


def _facts(found: Progress) -> Iterator[str]:
    yield f"round {found.rounds:,}"
    if found.best is not None:
        yield f"best so far {found.best[1]:.3f}"
    if found.plain is not None:
        yield f"plain {found.plain:.3f}"
    yield f"{found.calls:,} calls"
    yield format_cost(found.usd)


def _times(run: FollowedRun, found: Progress) -> Iterator[str]:
    """Yield the time since the start, the estimated time left, and the time without new results if it is long."""
    if found.has_ended:
        return
    if run.age_s is not None:
        yield f"started {_about(run.age_s)} ago"
    if run.left_s is not None:
        yield f"about {_about(run.left_s)} left"
    if run.wait is None and run.quiet_s > _QUIET_S:
        yield f"no new results for {_about(run.quiet_s)}"


def _about(seconds: float) -> str:
    """Return a rounded duration in seconds, minutes or hours."""
    minutes = round(seconds / 60)
    if seconds < 55:
        return f"{max(10, 10 * round(seconds / 10))}\N{NO-BREAK SPACE}s"
    return f"{minutes}\N{NO-BREAK SPACE}min" if minutes < 100 else f"{minutes / 60:.1f}\N{NO-BREAK SPACE}h"


def _wait(run: FollowedRun) -> Html:
    """Render the wait of a run that goes on."""
    wait = run.wait
    if wait is None or (run.progress is not None and run.progress.has_ended):
        return Html("")
    words = f"The run waits for the {wait.role} until {clock(wait.until - time.time())}: "
    return tag("p", words, foreign(wait.reason), class_="warning")


def _problem(run: FollowedRun) -> Html:
    return tag("p", foreign(run.problem), class_="warning") if run.problem else Html("")
