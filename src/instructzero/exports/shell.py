"""Export of a run as a ``curl`` command that answers an input."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from instructzero.errors import ConfigurationError
from instructzero.exports.access import Header
from instructzero.exports.asking import Asking
from instructzero.models.base import join_contents
from instructzero.prompts.template import INPUT
from instructzero.types import Message

PLACE = "YOUR INPUT"
"""The placeholder for the user's input."""

_HEAD = r"""# Replace YOUR INPUT with your input, escaped as in JSON: \" for a quotation mark, \n for a new line,
# \u0027 for an apostrophe. Remove "temperature" for models that do not accept it.
"""

_ROW_HEAD = r"""# Replace each YOUR ... with the text of its field, escaped as in JSON: \" for a quotation mark, \n for
# a new line, \u0027 for an apostrophe. Remove "temperature" for models that do not accept it.
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
    query = f"?{urlencode(asking.access.query)}" if asking.access.query else ""
    content = body(asking, asking.prompt.messages(asking.instruction, places(asking)))
    quoted = json.dumps(content).replace("'", "\\u0027")
    lines = [f"curl -sS {shlex.quote(asking.endpoint + path + query)}"]
    own = [_line(header) for header in asking.access.sent_headers]
    lines += [f"-H {header}" for header in (*headers, *own, "'Content-Type: application/json'")]
    lines.append(f"-d {shlex.quote(quoted)}")
    head = _HEAD if asking.prompt.takes_text else _ROW_HEAD
    return head + " \\\n  ".join(lines) + "\n"


def places(asking: Asking) -> dict[str, str]:
    """Return the placeholders of the fields by name."""
    return {name: PLACE if name == INPUT else f"YOUR {name.upper()}" for name in asking.prompt.fields}


def body(asking: Asking, messages: Sequence[Message]) -> dict[str, Any]:
    """Return the body of the request with these messages to the API of the black box."""
    if not asking.chat:
        content: dict[str, Any] = {"prompt": join_contents(messages)}
    elif asking.kind == "anthropic":
        content = _with_system(messages)
    else:
        content = {"messages": [asdict(message) for message in messages]}
    parameters = {"model": asking.model, asking.limit: asking.max_tokens, "temperature": asking.temperature}
    return {**parameters, **content, **asking.access.extra_body}


def _with_system(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the messages for Anthropic's API, which takes system messages separately from the turns."""
    system = join_contents([message for message in messages if message.role == "system"])
    turns = [asdict(message) for message in messages if message.role != "system"]
    return {**({"system": system} if system else {}), "messages": turns}


def _line(header: Header) -> str:
    """Return a header as a word of the shell, which reads the variable."""
    if not header.variable:
        return shlex.quote(f"{header.name}: {header.text}")
    return f'{shlex.quote(f"{header.name}: {header.text}")}"${header.variable}"'


def _key(asking: Asking, before: str) -> tuple[str, ...]:
    """Return the header of the key; the user's own server may need none."""
    access = asking.access
    if access.own_key or access.in_header:
        return ()
    key = f"${access.variable}" if asking.official or access.named else f"${{{access.variable}:-none}}"
    return (f'"{before}{key}"',)


def _openai(asking: Asking) -> tuple[str, tuple[str, ...]]:
    return "/chat/completions" if asking.chat else "/completions", _key(asking, "Authorization: Bearer ")


def _anthropic(asking: Asking) -> tuple[str, tuple[str, ...]]:
    return "/v1/messages", (*_key(asking, "x-api-key: "), "'anthropic-version: 2023-06-01'")


_SERVICES = {"openai": _openai, "anthropic": _anthropic}
