"""Export of a run as a ``curl`` command that answers an input."""

from __future__ import annotations

import json
import shlex
from typing import Any

from instructzero.errors import ConfigurationError
from instructzero.exports.asking import Asking

PLACE = "YOUR INPUT"
"""The placeholder for the user's input."""

_HEAD = r"""# Replace YOUR INPUT with your input, escaped as in JSON: \" for a quotation mark, \n for a new line,
# \u0027 for an apostrophe. Remove "temperature" for models that do not accept it.
"""


def curl(asking: Asking) -> str:
    """Return the command; it reads the API key from the environment.

    The body is ASCII JSON without apostrophes, so that it can be quoted with apostrophes unchanged.

    Raises
    ------
    ConfigurationError
        If the black box is not behind an HTTP API.
    """
    if asking.kind not in _SERVICES:
        raise ConfigurationError(
            f"expected a black box behind an API for the format curl, got one of the kind {asking.kind!r}; export as "
            "python"
        )
    path, headers = _SERVICES[asking.kind](asking)
    body = json.dumps(_body(asking)).replace("'", "\\u0027")
    lines = [f"curl -sS {shlex.quote(asking.endpoint + path)}"]
    lines += [f"-H {header}" for header in (*headers, "'Content-Type: application/json'")]
    lines.append(f"-d {shlex.quote(body)}")
    return _HEAD + " \\\n  ".join(lines) + "\n"


def _body(asking: Asking) -> dict[str, Any]:
    text = asking.prompt.render(asking.instruction, PLACE)
    content = {"messages": [{"role": "user", "content": text}]} if asking.chat else {"prompt": text}
    return {"model": asking.model, asking.limit: asking.max_tokens, "temperature": asking.temperature, **content}


def _openai(asking: Asking) -> tuple[str, tuple[str, ...]]:
    key = "$OPENAI_API_KEY" if asking.official else "${OPENAI_API_KEY:-none}"
    return "/chat/completions" if asking.chat else "/completions", (f'"Authorization: Bearer {key}"',)


def _anthropic(asking: Asking) -> tuple[str, tuple[str, ...]]:
    key = "$ANTHROPIC_API_KEY" if asking.official else "${ANTHROPIC_API_KEY:-none}"
    return "/v1/messages", (f'"x-api-key: {key}"', "'anthropic-version: 2023-06-01'")


_SERVICES = {"openai": _openai, "anthropic": _anthropic}
