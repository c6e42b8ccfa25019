"""The report as one HTML file: what can be said in words and tables here, what can be looked into by its script.

The file asks nothing of any network, and its content security policy forbids it to: only the one style sheet and the
one script that are written here may be used.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from instructzero.report import sections
from instructzero.report.ancestry import ancestry
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import fitting_script
from instructzero.report.source import Record

DATA = "report-data"
"""The id of the element that holds the report's data as JSON."""

_SCRIPTS = ("dom.js", "plot.js", "figures.js", "table.js", "examples.js", "page.js")

_SECTIONS = (
    ("found", "What was found", sections.found),
    ("search", "How the search got there", sections.search),
    ("instructions", "Every instruction", sections.instructions),
    ("examples", "Where it wins and loses", sections.examples),
    ("lineage", "Where it came from", ancestry),
    ("cost", "What it cost", sections.cost),
    ("again", "How to run it again", sections.again),
)


def render(data: Record) -> str:
    """The page of the data that `instructzero.report.data.collect` gives."""
    parts = [tag("section", tag("h2", title), make(data), id=name, aria_label=title) for name, title, make in _SECTIONS]
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#main", class_="skip"),
        _head_of_page(data),
        tag("main", *parts, id="main"),
        fitting_script(data, name=DATA, whole=("result", "scores")),
        Html(f"<script>{_script()}</script>"),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{_head(data)}{body}</html>\n'


def _head(data: Record) -> Html:
    style, script = _asset("page.css"), _script()
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{data['run']['task']}: report of a run"),
        Html(f"<style>{style}</style>"),
    )


def _head_of_page(data: Record) -> Html:
    run = data["run"]
    facts = (
        f"method {run['method']} · metric {run['metric']} · seed {run['seed']} · {run['evaluations']:,} evaluations · "
        f"{run['distinct']:,} instructions"
    )
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in _SECTIONS]
    return tag(
        "header",
        tag(
            "div",
            tag("p", "Report of a run", class_="kicker"),
            tag("button", "Dark", type="button", id="theme", hidden=True),
            class_="top",
        ),
        tag("h1", foreign(run["task"])),
        tag("p", facts, class_="facts"),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag(
            "noscript",
            tag("p", "Figures, the instructions and the examples need JavaScript, which is off here.", class_="note"),
        ),
    )


def _script() -> str:
    """All scripts as one, with nothing of theirs left behind in the page."""
    source = join(*(Html(_asset(name)) for name in _SCRIPTS))
    return f'"use strict";\n(() => {{\n{source}}})();\n'


def _asset(name: str) -> str:
    return resources.files("instructzero.report").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """How a content security policy names the one style sheet or script that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
