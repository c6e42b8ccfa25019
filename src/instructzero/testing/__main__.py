"""Serve a stand-in for a model on this machine, with OpenAI's and Anthropic's APIs.

    python -m instructzero.testing              # serves http://127.0.0.1:8123/v1 until it is stopped

``instructzero init --demo`` writes a task for it. What it does is described in `instructzero.testing.shop`.
"""

from __future__ import annotations

import argparse
import signal
import sys

from instructzero.testing.endpoint import Endpoint
from instructzero.testing.shop import PORT, answer


def main() -> int:
    """Serve until Ctrl-C or SIGTERM.

    Returns
    -------
    int
        The exit code: 2 if the port cannot be used.
    """
    port = _port()
    try:
        with Endpoint(answer, port=port, models=("demo",)) as endpoint:
            print(f"serving the model “demo” at {endpoint.base_url}; stop with Ctrl-C", flush=True)
            _wait()
            return 0
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"expected a free port, got {port} ({reason}); name another one with --port", file=sys.stderr)
        return 2


def _port() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m instructzero.testing", description="Serve a stand-in for a model on this machine."
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"the port (default: {PORT})")
    return int(parser.parse_args().port)


def _wait() -> None:
    """Return after Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
