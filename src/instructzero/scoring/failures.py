"""The examples to which the black box gives no answer: named once, counted once, and limited in number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from instructzero.errors import TooManyFailures
from instructzero.terminal import excerpt, printable
from instructzero.types import Evaluation, Example, Finish

_SHOWN = 60  # characters of an input
_UNLIKELY = 0.05
"""The probability of as many failures among the examples asked so far, below which the limit counts as exceeded."""

_FEWEST = 3
"""The number of failures from which on they are projected to the other examples."""


class Failures:
    """Counts the examples that failed, and stops the run when there are too many.

    An example counts once, however many instructions it failed with. The run stops when more than the limit have
    failed, and earlier if the examples asked so far, a random part of all, show that more would. In the final test it
    only stops when more than half of the test examples have failed, because a result exists by then.

    Parameters
    ----------
    share
        The share of the examples that may fail, in [0, 1]. Above 0, one example always may.
    examples
        The examples of the search and of the final selection.
    test
        The examples of the final test.
    on_failed
        Called with a sentence for every example that fails for the first time.

    >>> failures = Failures(0.5, [Example("a", ("b",)), Example("c", ("d",))], [])
    >>> failures.add(Example("a", ("b",)), "status 400: too long")
    >>> failures.add(Example("c", ("d",)), "status 400: too long")
    Traceback (most recent call last):
    instructzero.errors.TooManyFailures: 2 of the 2 examples got no answer, and --max-failures 0.5 accepts 1...
    """

    def __init__(
        self,
        share: float,
        examples: Sequence[Example],
        test: Sequence[Example],
        on_failed: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._share = share
        self._examples = {example.input for example in examples}
        self._test = {example.input for example in test}
        self._on_failed = on_failed
        self._asked: set[str] = set()
        self._failed: dict[str, str] = {}
        self._limit = max(1, math.floor(share * self._count + 1e-9)) if share else 0

    def replay(self, examples: Sequence[Example], evaluation: Evaluation) -> None:
        """Count what an earlier process recorded, without stopping."""
        self._asked.update(example.input for example in examples[: len(evaluation.scores)])
        for one in evaluation.incomplete:
            if one.finish is Finish.FAILED:
                self._failed.setdefault(examples[one.position].input, one.reason)

    def add(self, example: Example, reason: str) -> None:
        """Count an example that failed because of ``reason``; raise `TooManyFailures` if it is one too many."""
        reason = printable(reason)
        if example.input not in self._failed:
            self._failed[example.input] = reason
            self._on_failed(
                f"the black box gives no answer to {_shown(example.input)}, which scores 0 ({reason}); "
                f"{len(self._failed)} of at most {self._limit} such examples"
            )
        of_test = len(self._failed.keys() & self._test)
        most = max(self._limit, len(self._test) // 2) if example.input in self._test else self._limit
        if len(self._failed) > self._limit and (example.input not in self._test or of_test > most):
            raise TooManyFailures(self._sentence(f"{len(self._failed)} of the {self._count} examples got no answer"))

    def check(self, examples: Sequence[Example]) -> None:
        """Raise `TooManyFailures` if, now that ``examples`` were asked, the limit will almost certainly be exceeded."""
        self._asked.update(example.input for example in examples)
        asked = self._asked - self._test
        failed = len(self._failed.keys() & asked)
        if failed >= _FEWEST and _tail(self._count, self._limit, len(asked), failed) < _UNLIKELY:
            raise TooManyFailures(
                self._sentence(f"{failed} of the first {len(asked)} of {self._count} examples got no answer")
            )

    @property
    def _count(self) -> int:
        return len(self._examples | self._test)

    def _sentence(self, found: str) -> str:
        text, reason = list(self._failed.items())[-1]
        return (
            f"{found}, and --max-failures {self._share:g} accepts {self._limit} (the last: {_shown(text)}, {reason}); "
            "every answer so far is kept: raise --max-failures and run it again, which continues from here and pays "
            "nothing twice, or start another run without these examples and with --store for this run's calls.sqlite"
        )


def _shown(text: str) -> str:
    return f"“{excerpt(text, _SHOWN)}”"


def _tail(count: int, marked: int, drawn: int, found: int) -> float:
    """Return P(at least ``found`` of ``drawn`` are among the ``marked`` of ``count``); 1 if all have been drawn."""
    if drawn >= count:
        return 1.0
    ways = sum(
        math.comb(marked, hits) * math.comb(count - marked, drawn - hits)
        for hits in range(found, min(drawn, marked) + 1)
    )
    return ways / math.comb(count, drawn)
