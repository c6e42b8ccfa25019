"""A self-contained HTML document: one style sheet, one script, and a policy that allows nothing else."""

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
    """Return an HTML document whose content security policy forbids every network request.

    Parameters
    ----------
    title
        The title of the document.
    children
        The content of the body.
    styles
        The names of the style sheets in ``assets``, in order.
    scripts
        The names of the scripts in ``assets``, in order.
    connects
        Allow requests to the server that the document came from.
    attributes
        The attributes of the body.
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
    """Return the scripts as one function, so that they leave no global names in the page."""
    return Html(f'"use strict";\n(() => {{\n{join(*map(asset, scripts))}}})();\n')


def asset(name: str) -> Html:
    """Return the content of a file in ``assets``."""
    return Html(resources.files("instructzero.report").joinpath("assets", name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    """Return the hash by which a content security policy allows one style sheet or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
