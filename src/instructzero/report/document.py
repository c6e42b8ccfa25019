"""An HTML document that holds all it needs: one style sheet, one script, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from instructzero.report.html import Html, join, tag


def document(
    title: str,
    *children: Html,
    styles: Sequence[str],
    scripts: Sequence[str],
    connects: bool = False,
    **attributes: str,
) -> str:
    """The document with these children and ``attributes`` of its body; styles and scripts are assets, in their order.

    The file asks nothing of any network, and its content security policy forbids it to; one that ``connects`` may
    ask the server that it came from.
    """
    style, script = join(*map(asset, styles)), _one(scripts)
    asks = "connect-src 'self'; " if connects else ""
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        f"{asks}base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    )
    body = tag("body", *children, Html(f"<script>{script}</script>"), **attributes)
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'


def _one(scripts: Sequence[str]) -> Html:
    """All scripts as one, with nothing of theirs left behind in the page."""
    return Html(f'"use strict";\n(() => {{\n{join(*map(asset, scripts))}}})();\n')


def asset(name: str) -> Html:
    return Html(resources.files("instructzero.report").joinpath("assets", name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    """How a content security policy names the one style sheet or script that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
