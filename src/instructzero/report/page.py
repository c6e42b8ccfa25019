"""The report as one HTML file: text and tables are rendered here, figures and interactive tables by its script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from instructzero.report import sections
from instructzero.report.document import document
from instructzero.report.failures_section import examples
from instructzero.report.html import Html, foreign, tag
from instructzero.report.labels_section import labels
from instructzero.report.limits import fitting_script
from instructzero.report.lineage_section import lineage
from instructzero.report.messages import messages
from instructzero.report.search_section import search
from instructzero.report.source import Record
from instructzero.report.use_section import use

DATA = "report-data"
"""The id of the element that holds the report's data as JSON."""

RENDERED = ("use", "failures", "label_parts", "chain")
"""The keys of the data that are not embedded, because the script does not need them."""

_WHOLE = ("result", "scores", "messages")
"""The keys of the embedded data whose texts are only cut if they are very long."""

_STYLES = ("page.css",)
_SCRIPTS = ("theme.js", "dom.js", "plot.js", "figures.js", "table.js", "examples.js", "page.js")
_LIVE_STYLES = ("live.css",)
_LIVE_SCRIPTS = ("refill.js", "follow.js")

_SECTIONS = (
    ("result", "Result", sections.result),
    ("search", "Search", search),
    ("instructions", "All instructions", sections.instructions),
    ("examples", "Results by example", examples),
    ("labels", "Results by label", labels),
    ("lineage", "Origin of the best instruction", lineage),
    ("messages", "The messages as sent", messages),
    ("cost", "Cost", sections.cost),
    ("reproduction", "Reproducing this run", sections.reproduction),
    ("use", "Use it", use),
)


@dataclass(frozen=True, slots=True)
class Live:
    """The parts of a live page that a report lacks: its ``version``, and the ``progress`` of the run."""

    version: str
    progress: Html


def render(data: Record, live: Live | None = None) -> str:
    """Return the page of a report.

    Parameters
    ----------
    data
        The result of `instructzero.report.data.collect`.
    live
        Makes a live page, which asks its server for updates.
    """
    parts = [
        tag("section", tag("h2", title), make(data), id=name, aria_label=title) for name, title, make in _sections(data)
    ]
    return document(
        f"{data['run']['task']}: report of a run",
        tag("a", "Skip to the content", href="#main", class_="skip"),
        _head_of_page(data, live),
        tag("main", *parts, id="main"),
        fitting_script({key: data[key] for key in data if key not in RENDERED}, name=DATA, whole=_WHOLE),
        styles=(*_STYLES, *(_LIVE_STYLES if live else ())),
        scripts=(*_SCRIPTS, *(_LIVE_SCRIPTS if live else ())),
        connects=live is not None,
        **({"data_version": live.version, "data_kind": "run"} if live else {}),
    )


def _sections(data: Record) -> list[tuple[str, str, Callable[[Record], Html]]]:
    """Return the sections that this run has."""
    return [section for section in _SECTIONS if section[0] not in ("labels", "use") or data.get(section[0])]


def _head_of_page(data: Record, live: Live | None) -> Html:
    run = data["run"]
    facts = (
        f"method {run['method']} · metric {run['metric']} · seed {run['seed']} · {run['evaluations']:,} evaluations · "
        f"{run['distinct']:,} instructions"
    )
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in _sections(data)]
    return tag(
        "header",
        top("Report of a run"),
        tag("h1", foreign(run["task"])),
        tag("p", facts, class_="facts", id="facts"),
        *([tag("div", live.progress, id="live")] if live else []),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag(
            "noscript",
            tag("p", "JavaScript is off. The figures, instructions and examples need JavaScript.", class_="note"),
        ),
    )


def top(kicker: str) -> Html:
    """Return the top line of a page: the kind of page, and the button that changes the colour theme."""
    return tag(
        "div",
        tag("p", kicker, class_="kicker"),
        tag("button", "Dark", type="button", id="theme", hidden=True),
        class_="top",
    )
