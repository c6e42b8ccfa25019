"""The headers of requests: the key in the form that a service takes, and what the user adds."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from instructzero.errors import ModelError

_MARK = "env:"
_KEYS = frozenset(("authorization", "api-key"))
"""Headers that hold a key, in lower case."""

_CLIENTS = frozenset(
    ("host", "connection", "content-length", "content-type", "transfer-encoding", "accept", "accept-encoding")
)
"""Headers that say how a request is sent and a reply is read, which is the client's matter."""

_AZURE = (".azure.com", ".azure-api.net", ".microsoft.com")
_AZURE_WITH_BEARER = (".ml.azure.com", "models.inference.ai.azure.com")
DEPLOYMENTS = "/openai/deployments/"


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers by name, and the ``secrets`` among their values, which no message may show."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Headers:
        """Read lines such as ``X-Team: search``, ``api-key: env:NAME`` and ``Authorization: Bearer env:NAME``.

        Raises
        ------
        ModelError
            If a variable is not set, its value cannot be in a header, or a header is one that the client sets itself.
        """
        values, secrets = {}, []
        for line in lines:
            name, value = parts_of(line)
            if name.lower() in _CLIENTS:
                raise ModelError(
                    f"expected headers beside those that say how a request is sent, got {name}; leave it out"
                )
            text, variable = variable_in(value)
            if variable:
                secret = _read(name, variable)
                secrets += [secret, *_credentials(text + secret)]
                text += secret
            values[name] = text
        return cls(values, tuple(secrets))

    def hold_key(self, *further: str) -> bool:
        """Return True if one of them takes the place of the key: a usual one, or one of ``further`` in lower case."""
        return not {name.lower() for name in self.values}.isdisjoint(_KEYS.union(further))

    def over(self, ours: Mapping[str, str]) -> dict[str, str]:
        """Return these headers and ``ours``, without those of ours that they replace; case does not matter.

        >>> Headers({"user-agent": "mine"}).over({"User-Agent": "instructzero", "Accept": "*/*"})
        {'Accept': '*/*', 'user-agent': 'mine'}
        """
        named = {name.lower() for name in self.values}
        dropped = named | (_KEYS if self.hold_key() else set())
        return {name: value for name, value in ours.items() if name.lower() not in dropped} | self.values


def parts_of(line: str) -> tuple[str, str]:
    """Return the name and the value of a header as a line."""
    name, _, value = (part.strip() for part in line.partition(":"))
    return name, value


def holds_key(line: str, kind: str) -> bool:
    """Return True if a header, as a line, takes the place of the key in requests to an API of a ``kind``.

    >>> holds_key("API-Key: env:NAME", "openai"), holds_key("X-API-Key: env:NAME", "openai")
    (True, False)
    """
    name = parts_of(line)[0].lower()
    return name in _KEYS or (kind == "anthropic" and name == "x-api-key")


def variable_in(value: str) -> tuple[str, str]:
    """Return the text of a header's value, and the variable whose value follows it, "" for none.

    >>> variable_in("Bearer env:TOKEN"), variable_in("search")
    (('Bearer ', 'TOKEN'), ('search', ''))
    """
    text, mark, variable = value.rpartition(_MARK)
    return (text, variable) if mark and (not text or text.endswith(" ")) else (value, "")


def authorization(url: str, key: str) -> dict[str, str]:
    """Return the header that authenticates at an address: for its user, or else with the key.

    Services on Azure take the key in a header of their own, and refuse it as a token.

    >>> authorization("http://localhost:8000/v1", "abc")
    {'Authorization': 'Bearer abc'}
    >>> authorization("https://mine.openai.azure.com/openai/deployments/d?api-version=2024-10-21", "abc")
    {'api-key': 'abc'}
    """
    parts = urlsplit(url)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    if takes_api_key(url):
        return {"api-key": key} if key else {}
    return {"Authorization": f"Bearer {key or 'none'}"}


def takes_api_key(url: str) -> bool:
    """Return True if the service at an address takes the key in the header ``api-key``, as Azure's do.

    Behind a gateway, its address still has the path of a deployment or the version of Azure's API.
    """
    parts = urlsplit(url)
    host = f".{parts.hostname or ''}"
    if host.endswith(_AZURE_WITH_BEARER):
        return False
    versioned = any(name.lower() == "api-version" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return host.endswith(_AZURE) or DEPLOYMENTS in f"{parts.path}/" or versioned


def _credentials(value: str) -> list[str]:
    """Return the user with the password, and the password alone, in the value of a header ``Basic ...``."""
    scheme, _, encoded = value.partition(" ")
    try:
        pair = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        return []
    return [pair, pair.partition(":")[2]] if pair else []


def _read(name: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not (value and value.isascii() and value.isprintable()):
        found = "a value that no header can hold" if value else "nothing"
        raise ModelError(
            f"expected the value of the header {name} in the environment variable {variable}, got {found}; set it"
        )
    return value
