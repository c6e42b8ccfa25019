"""How many questions a model answers at once, told from a few questions that are sent together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from instructzero.cli.doctor.findings import Finding, State
from instructzero.errors import InstructZeroError, TransientError
from instructzero.protocols import BlackBox
from instructzero.types import Request

AT_ONCE = 4
_TOO_SHORT_S = 0.1  # a difference that says nothing about a server


async def examine_parallelism(name: str, model: BlackBox, requests: Sequence[Request]) -> Finding:
    """Send the requests together, and compare when their answers come.

    A server with one place answers them one after another, so that the last answer comes as many times later than the
    first as there are questions. The first answer is the measure, because an earlier question may have waited for a
    connection, or for the model to be loaded.
    """
    clock = asyncio.get_running_loop().time
    start = clock()

    async def seconds(request: Request) -> float:
        await model.complete(request)
        return clock() - start

    ends = await asyncio.gather(*map(seconds, requests), return_exceptions=True)
    times = [end for end in ends if isinstance(end, float)]
    errors = [end for end in ends if isinstance(end, BaseException)]
    for error in errors:
        if not isinstance(error, InstructZeroError):
            raise error
    if errors:
        refused = sum(isinstance(error, TransientError) and error.throttled for error in errors)
        why = "too many at once; lower --concurrency" if refused == len(errors) else str(errors[0])
        return Finding(name, f"{len(errors)} of {len(ends)} questions at once got no answer: {why}", State.NOTE)
    return Finding(name, parallelism_in_words(times))


def parallelism_in_words(times: Sequence[float]) -> str:
    """Return what the seconds until each answer tell.

    >>> parallelism_in_words([0.5, 0.51, 0.52, 0.55])
    '4 questions at once took 0.55 s, the first of them 0.50 s: parallel'
    >>> parallelism_in_words([0.5, 1.0, 1.5, 2.0])
    '4 questions at once took 2.00 s, the first of them 0.50 s: one after another'
    """
    first, last = min(times), max(times)
    rounds = 1.0 if last - first < _TOO_SHORT_S else last / first
    places = len(times) / rounds
    words = "one after another" if places < 1.5 else "parallel" if places > 0.625 * len(times) else "about 2 at a time"
    return f"{len(times)} questions at once took {last:.2f} s, the first of them {first:.2f} s: {words}"
