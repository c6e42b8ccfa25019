"""A test endpoint as a program that serves until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys

from instructzero.testing.endpoint import Endpoint


def add_port(parser: argparse.ArgumentParser, default: int) -> None:
    """Add the flag ``--port``."""
    parser.add_argument("--port", type=int, default=default, help=f"the port (default: {default})")


def serve(endpoint: Endpoint, port: int, name: str = "") -> int:
    """Serve until Ctrl-C or SIGTERM, after a line with the address.

    Parameters
    ----------
    endpoint
        The endpoint, not started yet.
    port
        Its port, for the message if it cannot be used.
    name
        What is served, for the line; by default, the line has the address only.

    Returns
    -------
    int
        The exit code: 2 if the port cannot be used.
    """
    try:
        with endpoint:
            what = f"{name} at {endpoint.base_url}" if name else endpoint.base_url
            print(f"serving {what}; stop with Ctrl-C", flush=True)
            _wait()
            return 0
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"expected a free port, got {port} ({reason}); name another one with --port", file=sys.stderr)
        return 2


def _wait() -> None:
    """Return after Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return
