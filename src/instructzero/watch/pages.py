"""What a watched run says of itself on its page, on the page of several runs, and while there is no run yet."""

from __future__ import annotations

import shlex
import zlib
from collections.abc import Iterator, Sequence

from instructzero.progress import format_cost
from instructzero.report.document import document
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import cut
from instructzero.report.page import top
from instructzero.watch.followed import FollowedRun
from instructzero.watch.progress import Progress

_STYLES, _SCRIPTS = ("page.css", "live.css"), ("theme.js", "follow.js")
_QUIET_S = 60.0
"""After so many seconds without anything new, a run is said to be quiet."""

_LONGEST = 500
"""Characters of an instruction on the page of several runs."""

_STAGES = {
    "beginning": "scoring what the search has to beat",
    "searching": "searching",
    "testing": "testing on held-out examples",
    "ended": "ended",
}


def progress_line(run: FollowedRun, shown: int | None = None, *, alone: bool = True) -> Html:
    """How far a run is, and unless it is watched ``alone`` the way to all others.

    ``shown`` is the number of evaluations that the page below the line has.
    """
    found = run.progress
    others = [] if alone else [tag("p", tag("a", "All runs", href="../"))]
    if found is None:
        return join(*others, _problem(run) or tag("p", "Waiting for the run to begin."))
    facts = " · ".join([f"{_STAGES[found.stage]}: {_reached(found)}", *_facts(found), *_times(run, found)])
    behind = found.done - (found.done if shown is None else shown)
    note = f"The page below is {behind:,} evaluations behind and follows by itself." if behind > 0 else ""
    return join(
        tag("p", _bar(found), facts, class_="progress"),
        *([tag("p", note, class_="faint")] if note else []),
        *others,
        _problem(run),
    )


def title(run: FollowedRun) -> str:
    """What the browser shows of a run where the page is not in view."""
    found = run.progress
    if found is None:
        return f"{run.name}: no run yet"
    return f"{'ended' if found.has_ended else f'{100 * found.share:.0f} %'} · {found.task}"


def waiting_page(run: FollowedRun, version: str, progress: Html) -> str:
    """For a directory in which there is no run to show yet."""
    if run.problem:
        main = tag("p", "The run cannot be shown as it is. This page tries again when its files change.", class_="lead")
        return _page(run.name, "waiting", version, main, progress)
    words = "There is no run here yet. This page shows it as soon as it has begun, for example with"
    command = f"instructzero run --task TASK --out {shlex.quote(str(run.directory))}"
    main = join(tag("p", words, class_="lead"), tag("pre", foreign(command)))
    return _page(f"Waiting for a run in {run.name}", "waiting", version, main, progress)


def overview_progress(runs: Sequence[FollowedRun]) -> tuple[Html, str]:
    """How far several runs are together, and what the browser shows of them where the page is not in view."""
    ended = sum(run.progress is not None and run.progress.has_ended for run in runs)
    return tag("p", f"{ended:,} of {len(runs):,} have ended."), f"{ended:,} of {len(runs):,} runs ended"


def overview_page(runs: Sequence[FollowedRun]) -> tuple[str, str]:
    """The page of several runs, and its version, which is another one where it says something else."""
    main = overview(runs)
    version = f"{zlib.crc32(main.encode()):08x}"
    return _page(f"{len(runs):,} runs", "overview", version, main, overview_progress(runs)[0]), version


def overview(runs: Sequence[FollowedRun]) -> Html:
    """A card a run, all figures at one scale."""
    calls = max((run.progress.calls for run in runs if run.progress is not None), default=0)
    cards = [tag("li", *_card(number, run, calls), id=f"run-{number}") for number, run in enumerate(runs, start=1)]
    words = (
        f"Each figure has the best score so far, from 0 to 1, against calls to the black box, from 0 to {calls:,}. "
        "Dashed is the plain instruction."
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
            yield foreign(cut(found.best[0], _LONGEST) or "(empty)", "blockquote", tabindex="0")
    yield _problem(run)


def _terms(found: Progress) -> Iterator[Html]:
    terms = {
        "reached": _reached(found),
        "best so far": "none yet" if found.best is None else f"{found.best[1]:.3f}",
        "plain": "not scored yet" if found.plain is None else f"{found.plain:.3f}",
        "black box": f"{found.calls:,} calls, {format_cost(found.usd)}",
    }
    for name, said in terms.items():
        yield tag("dt", name)
        yield tag("dd", said)


def _figure(found: Progress, calls: int) -> Html:
    """The best value against calls, from 0 to the most ``calls`` of all runs; dashed, what it has to beat."""
    if not found.steps:
        return Html("")
    points = [(300 * at / max(calls, 1), 100 - 100 * value) for at, value in found.steps]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
    words = f"best score so far, up to {found.steps[-1][1]:.3f}, against calls; right end at {calls:,}"
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
    return tag("progress", max="1", value=f"{found.share:.3f}", aria_label="share of the search that is done")


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
    """When it began, what is left, and whether nothing has come for long."""
    if found.has_ended:
        return
    if run.age_s is not None:
        yield f"begun {_about(run.age_s)} ago"
    if run.left_s is not None:
        yield f"about {_about(run.left_s)} left"
    if run.quiet_s > _QUIET_S:
        yield f"nothing new for {_about(run.quiet_s)}"


def _about(seconds: float) -> str:
    """Tens of seconds, minutes or hours, as many as matter."""
    minutes = round(seconds / 60)
    if seconds < 55:
        return f"{max(10, 10 * round(seconds / 10))}\N{NO-BREAK SPACE}s"
    return f"{minutes}\N{NO-BREAK SPACE}min" if minutes < 100 else f"{minutes / 60:.1f}\N{NO-BREAK SPACE}h"


def _problem(run: FollowedRun) -> Html:
    return tag("p", foreign(run.problem), class_="warning") if run.problem else Html("")
