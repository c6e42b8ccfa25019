"""The key, the headers and the further fields with which a run asked its black box, for exported code.

Exported code holds no secret: keys, and headers that hold one, are read from the variables that the run read them from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from instructzero.config import Settings
from instructzero.models.addresses import USUAL_KEYS
from instructzero.models.headers import DEPLOYMENTS, holds_key, parts_of, takes_api_key, variable_in

API_KEY = "api-key"


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose value is ``text``, followed by the value of an environment ``variable``, "" for none."""

    name: str
    text: str
    variable: str = ""

    @property
    def expression(self) -> str:
        """The value as a Python expression, which reads the variable with ``os.environ``."""
        read = f"os.environ[{self.variable!r}]" if self.variable else ""
        text = repr(self.text) if self.text or not read else ""
        return " + ".join(filter(None, (text, read)))


@dataclass(frozen=True, slots=True)
class Access:
    """How requests are authenticated, and what the user adds to them.

    Attributes
    ----------
    variable
        The environment variable of the key.
    named
        The user named the variable.
    in_header
        The service takes the key in the header ``api-key``, as Azure's do.
    headers
        The user's headers.
    own_key
        One of them takes the place of the key.
    query
        The names and values in the query of the address.
    extra_body
        The user's fields of every request.
    """

    variable: str = USUAL_KEYS["openai"]
    named: bool = False
    in_header: bool = False
    headers: tuple[Header, ...] = ()
    own_key: bool = False
    query: tuple[tuple[str, str], ...] = ()
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, kind: str, endpoint: str) -> Access:
        """Return the access of a run to the black box of a ``kind`` at an ``endpoint``."""
        address = settings.base_url or endpoint
        headers = tuple(_header(line) for line in settings.header)
        own_key = any(holds_key(line, kind) for line in settings.header)
        return cls(
            variable=settings.key_env or USUAL_KEYS.get(kind, ""),
            named=settings.key_env is not None,
            in_header=kind == "openai" and takes_api_key(address) and not own_key,
            headers=headers,
            own_key=own_key,
            query=tuple(parse_qsl(urlsplit(address).query, keep_blank_values=True)),
            extra_body=settings.extra_body or {},
        )

    @property
    def sent_headers(self) -> tuple[Header, ...]:
        """The user's headers, and that of the key if it is none that client packages send."""
        return (*((Header(API_KEY, "", self.variable),) if self.in_header else ()), *self.headers)

    @property
    def version(self) -> str:
        """The version of Azure's API in the query, "" if there is none."""
        return next((value for name, value in self.query if name.lower() == "api-version"), "")


def deployment_of(endpoint: str) -> tuple[str, str]:
    """Return the address of a resource on Azure and the name of the deployment, ("", "") for another endpoint.

    >>> deployment_of("https://mine.openai.azure.com/openai/deployments/small")
    ('https://mine.openai.azure.com', 'small')
    """
    resource, mark, deployment = endpoint.partition(DEPLOYMENTS)
    return (resource, deployment) if mark and deployment and "/" not in deployment else ("", "")


def _header(line: str) -> Header:
    name, value = parts_of(line)
    return Header(name, *variable_in(value))
