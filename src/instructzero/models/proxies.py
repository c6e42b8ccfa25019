"""The proxies that the environment names."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from instructzero.errors import ModelError

PORTS = {"http": 80, "https": 443}
"""The usual ports of the schemes that an address may have."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address, and the header with its password, "" for none."""

    url: SplitResult
    authorization: str

    @classmethod
    def of_environment(cls, scheme: str, host: str) -> Proxy | None:
        """Return the proxy that the environment names for ``host``, or None.

        Raises
        ------
        ModelError
            If it is not an HTTP proxy.
        """
        named = _named(scheme, host)
        if not named:
            return None
        url = _proxy_url(named)
        if url is None:
            raise ModelError(
                "expected the address of an HTTP proxy, such as http://proxy:3128, in the environment "
                f"({scheme}_proxy or all_proxy), got {_kind_of(named)}; name another, or {host} in no_proxy"
            )
        return cls(url, _authorization(url))


def _proxy_url(named: str) -> SplitResult | None:
    """Return the address of an HTTP proxy, whose scheme may be missing; None if it is none."""
    try:
        url = urlsplit(named if "://" in named else f"http://{named}")
        is_valid = url.scheme in PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_valid else None


def _kind_of(named: str) -> str:
    """Return what the environment names instead of an HTTP proxy, without the password that it may have."""
    kind, mark, _ = named.partition("://")
    return f"one for {kind}" if mark and kind.lower() not in PORTS else "another text"


def _authorization(url: SplitResult) -> str:
    if url.username is None:
        return ""
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"


def proxy_for(url: str) -> str:
    """Return the proxy that the environment names for an address, without user and password; "" for none."""
    return re.split("[/?#]", _named_for(url).rpartition("://")[2].rpartition("@")[2])[0]


def secrets_of_proxy(url: str) -> tuple[str, ...]:
    """Return the password of the proxy for an address, alone and with its user, as it is and decoded."""
    pair, mark, _ = _named_for(url).rpartition("://")[2].rpartition("@")
    password = pair.partition(":")[2] or pair
    return (password, pair, unquote(password), unquote(pair)) if mark else ()


def _named_for(url: str) -> str:
    parts = urlsplit(url)
    return _named(parts.scheme, parts.hostname or "")


def _named(scheme: str, host: str) -> str:
    proxies = getproxies()
    return "" if not host or proxy_bypass(host) else proxies.get(scheme) or proxies.get("all") or ""
