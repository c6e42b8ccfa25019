"""Serve the stand-in of an example on this machine, so that it runs without an account.

    python ../serve.py model.py      # serves http://127.0.0.1:8123/v1 until it is stopped

``model.py`` stands in for both models: the function ``answer`` for the black box, the list ``IDEAS`` for the writer.
It reads key words and understands no language. Put your own models in its place.
"""

from __future__ import annotations

import argparse
import math
import runpy
import sys
import zlib
from collections.abc import Callable

from instructzero.testing import Endpoint, Reply
from instructzero.testing.serving import add_port, serve


def stand_in(path: str) -> Callable[[str], str | Reply]:
    """Return the function from prompt to answer of a file ``model.py``."""
    model = runpy.run_path(path)

    def reply(prompt: str) -> str | Reply:
        return ideas(model["IDEAS"], prompt) if "<prompt>" in prompt else model["answer"](prompt)

    return reply


def ideas(texts: tuple[str, ...], request: str) -> str:
    """Return four different ones of the texts, in an order that depends on the request."""
    start, count = zlib.crc32(request.encode()), len(texts)
    step = next(step for step in (3, 2, 1) if math.gcd(step, count) == 1)
    return "\n".join(f"<prompt>{texts[(start + step * number) % count]}</prompt>" for number in range(min(4, count)))


def main() -> int:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    add_port(parser, 8123)
    arguments = parser.parse_args()
    return serve(Endpoint(stand_in(arguments.model), port=arguments.port, models=("demo",)), arguments.port)


if __name__ == "__main__":
    sys.exit(main())
