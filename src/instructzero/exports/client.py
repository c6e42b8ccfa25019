"""The code that makes the client of OpenAI's or Anthropic's package for a run's endpoint, with its key and headers."""

from __future__ import annotations

from collections.abc import Iterator

from instructzero.exports.asking import Asking


def client_imports(asking: Asking, client: str, package: str) -> str:
    """Return the imports: the environment holds the key where the client package does not find it, and headers."""
    access = asking.access
    reads = (
        not (asking.official or access.own_key)
        or access.named
        or any(header.variable for header in access.sent_headers)
    )
    names = f"{client}, Omit" if _leaves_key_out(asking) else client
    return f"{'import os' + chr(10) if reads else ''}import sys\n\nfrom {package} import {names}"


def from_variable(asking: Asking) -> str:
    """Return the end of a sentence that names the variable of the key, if there is one."""
    return "" if asking.access.own_key else f"; the API key is read from {asking.access.variable}"


def client_arguments(asking: Asking) -> str:
    """Return the arguments of the client: address, key, and what the user adds to every request."""
    access = asking.access
    arguments = [f"base_url={asking.endpoint!r}"]
    if access.own_key or access.in_header:
        arguments.append('api_key="none"')
    elif access.named:
        arguments.append(f"api_key=os.environ[{access.variable!r}]")
    elif not asking.official:  # the user's own server may need no key, but the client package requires one
        arguments.append(f'api_key=os.environ.get("{access.variable}") or "none"')
    if access.query:
        arguments.append(f"default_query={dict(access.query)!r}")
    return ", ".join(arguments)


def _header_items(asking: Asking) -> Iterator[str]:
    """Yield the items of a dict of the headers; the client package leaves out what is ``Omit()``."""
    for header in asking.access.sent_headers:
        yield f"{_canonical(header.name)!r}: {header.expression}"
    if _leaves_key_out(asking):
        named = {_canonical(header.name) for header in asking.access.sent_headers}
        yield from (f"{name!r}: Omit()" for name in _KEY_HEADERS[asking.kind] if name not in named)


def _leaves_key_out(asking: Asking) -> bool:
    """Return True if the client package must not send the key as it does by itself."""
    if not (asking.access.own_key or asking.access.in_header):
        return False
    named = {_canonical(header.name) for header in asking.access.sent_headers}
    return not named.issuperset(_KEY_HEADERS[asking.kind])


_KEY_HEADERS = {"openai": ("Authorization",), "anthropic": ("Authorization", "X-Api-Key")}
"""The headers in which the client packages send the key."""


def _canonical(name: str) -> str:
    """Return the name of a header as the client packages write it, so that it replaces theirs."""
    return {"authorization": "Authorization", "x-api-key": "X-Api-Key"}.get(name.lower(), name)


def headers_argument(asking: Asking) -> str:
    """Return the argument of the headers, as a line; clients leave out their own only in a request."""
    items = ", ".join(_header_items(asking))
    return f"            extra_headers={{{items}}},\n" if items else ""


def fields_argument(asking: Asking) -> str:
    """Return the argument of the user's fields, as a line."""
    fields = dict(asking.access.extra_body)
    return f"            extra_body={fields!r},\n" if fields else ""
