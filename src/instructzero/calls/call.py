"""A question to one model, and the key under which its answer is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from instructzero.types import Message, Request

# The other fields are a part of the key only where they differ from their default, so that a new field changes no key.
_ALWAYS = ("messages", "max_tokens", "temperature")
_OPTIONAL = {each.name: each.default for each in fields(Request) if each.name not in _ALWAYS}

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""Returns a value in canonical JSON: keys sorted, no spaces, ASCII, so that equal values are equal bytes."""


class Call(NamedTuple):
    """One question to one black box. A tuple, because dictionaries hash it many times.

    Parameters
    ----------
    document
        The canonical JSON of {identity, request}.
    key
        The SHA-256 of the document in hexadecimal digits.
    """

    document: str
    key: str

    @classmethod
    def of(cls, identity: Mapping[str, str], request: Request) -> Call:
        """Return the call of ``request`` to the model with ``identity``."""
        return cls.to(canonical(dict(identity)), request)

    @classmethod
    def to(cls, identity: str, request: Request) -> Call:
        """Return the call of ``request``, with the ``identity`` in canonical JSON, which many calls share."""
        document = f'{{"identity":{identity},"request":{_document(request)}}}'
        return cls(document, hashlib.sha256(document.encode("ascii")).hexdigest())


def _document(request: Request) -> str:
    """Return the request in canonical JSON; a plain one is put together by hand, which takes a quarter of the time."""
    if isinstance(request.temperature, float) and not (request.answers or request.seed is not None):
        messages = ",".join(map(_message, request.messages))
        temperature = float.__repr__(request.temperature)
        return f'{{"max_tokens":{request.max_tokens},"messages":[{messages}],"temperature":{temperature}}}'
    asked: dict[str, Any] = {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    asked |= {name: value for name, default in _OPTIONAL.items() if (value := getattr(request, name)) != default}
    return canonical(asked)


def _message(message: Message) -> str:
    content, role = encode_basestring_ascii(message.content), encode_basestring_ascii(message.role)
    return f'{{"content":{content},"role":{role}}}'
