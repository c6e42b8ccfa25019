"""Serve a stand-in for a model on this machine, with OpenAI's and Anthropic's APIs.

    python -m instructzero.testing              # serves http://127.0.0.1:8123/v1 until it is stopped

``instructzero init --demo`` writes a task for it. What it does is described in `instructzero.testing.shop`.
"""

from __future__ import annotations

import argparse
import sys

from instructzero.testing.endpoint import Endpoint
from instructzero.testing.serving import add_port, serve
from instructzero.testing.shop import PORT, answer


def main() -> int:
    """Serve until Ctrl-C or SIGTERM.

    Returns
    -------
    int
        The exit code: 2 if the port cannot be used.
    """
    parser = argparse.ArgumentParser(
        prog="python -m instructzero.testing", description="Serve a stand-in for a model on this machine."
    )
    add_port(parser, PORT)
    port = int(parser.parse_args().port)
    return serve(Endpoint(answer, port=port, models=("demo",)), port, "the model “demo”")


if __name__ == "__main__":
    sys.exit(main())
