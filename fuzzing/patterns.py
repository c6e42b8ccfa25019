"""Find regular expressions of the package that take quadratic time, with texts made of their own pieces.

    python -m fuzzing.patterns                 # seconds for 20,000 characters, the slowest patterns first

Every pattern that is a value of a module is tried. A pattern that only reads short texts may be slow.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Iterator
from random import Random
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import instructzero

SIZE = 20_000
SLOW_S = 0.25
_TRIES = 20
_LIMIT_S = 2.0
_EXTRA = ("", " ", "a", "1", "\n", "<", ">", "(", "'", '"', "`", ".", ",", "-", "é", ":", "{", "}", "*", "|")


class _Slow(BaseException):
    """A search takes too long."""


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns of all modules with their names."""
    seen = set()
    for found in pkgutil.walk_packages(instructzero.__path__, "instructzero."):
        if found.name.endswith("__main__") or any(part in found.name for part in (".testing", ".integrations")):
            continue
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            for pattern in _in(value):
                if isinstance(pattern.pattern, str) and pattern not in seen:
                    seen.add(pattern)
                    yield f"{found.name}.{name}", pattern


def _in(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _in(inner)


def seconds(pattern: re.Pattern[str], random: Random, tries: int = _TRIES) -> tuple[float, str]:
    """Return the longest time of a search in texts of `SIZE` characters, and the beginning of the text."""
    pieces = sorted(set(_pieces(parser.parse(pattern.pattern, pattern.flags))))[:200] + list(_EXTRA)
    worst, where = 0.0, ""
    for _ in range(tries):
        pumped = "".join(random.choice(pieces) for _ in range(random.choice((1, 1, 2, 3)))) or "a"
        text = random.choice(pieces) + pumped * (SIZE // len(pumped)) + random.choice(pieces)
        took = _timed(pattern, text)
        if took > worst:
            worst, where = took, text[:60]
        if worst > _LIMIT_S:
            break
    return worst, where


def _timed(pattern: re.Pattern[str], text: str) -> float:
    began = time.perf_counter()
    with contextlib.suppress(_Slow):
        signal.setitimer(signal.ITIMER_REAL, _LIMIT_S)
        for found in pattern.finditer(text):
            _ = found
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.perf_counter() - began


def _pieces(parsed: Any) -> Iterator[str]:
    """Yield texts that the parts of a pattern match: runs of letters, members of classes, one branch after another."""
    run = ""
    for code, given in parsed:
        if code is codes.LITERAL:
            run += chr(given)
            continue
        if run:
            yield run
        run = ""
        if code is codes.IN:
            yield from _members(given)
        for inner in _inner(code, given):
            yield from _pieces(inner)
    if run:
        yield run


def _inner(code: Any, given: Any) -> Iterator[Any]:
    if code is codes.BRANCH:
        yield from given[1]
    elif code is codes.SUBPATTERN:
        yield given[-1]
    elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        yield given[2]
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield given[1]
    elif code is codes.ATOMIC_GROUP:
        yield given


def _members(given: Any) -> Iterator[str]:
    for code, member in given[:3]:
        if code is codes.LITERAL:
            yield chr(member)
        elif code is codes.RANGE:
            yield chr(member[0])
        elif code is codes.CATEGORY:
            yield {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a"}.get(member, "-")


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Slow


def main() -> None:
    """Print the slow patterns."""
    signal.signal(signal.SIGALRM, _stop)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    found = [(*seconds(pattern, Random(name)), name, pattern) for name, pattern in patterns() if wanted in name]
    for took, text, name, pattern in sorted(found, key=lambda one: -one[0]):
        if took > SLOW_S:
            print(f"{took:6.2f} s  {name}  {text!r}\n          {pattern.pattern[:200]}")
    print(f"{len(found)} patterns")


if __name__ == "__main__":
    main()
