"""No test leaves the machine, whatever is wrong: neither this process nor one that a test starts."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

_CLOSED = "http://127.0.0.1:9"  # the discard port, where nothing listens
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_HERE = "127.0.0.1,localhost,::1"


def stay_on_loopback() -> None:
    """Put a proxy that nobody reaches in front of all other hosts, and refuse other connections of this process.

    The environment passes to processes that tests start. Connections are refused here as well, because not every
    library reads it.
    """
    for name in _PROXIES:
        os.environ[name] = os.environ[name.upper()] = _CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = _HERE
    sys.addaudithook(_refuse_other_hosts)


def _refuse_other_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    leaves = connection.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0])
    if leaves and connection.type == socket.SOCK_STREAM:  # a UDP socket sends nothing when it connects
        raise PermissionError(f"expected tests to reach loopback only, got a connection to {address[0]}")


def _is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or host in _own_addresses()
    except ValueError:
        return False


def _own_addresses() -> set[str]:
    """Return the addresses of this machine, which clusters of one machine use."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
