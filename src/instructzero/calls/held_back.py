"""What a search leaves for the final selection and test."""

from __future__ import annotations

import math
from collections.abc import Collection

from instructzero.calls.budget import Budget
from instructzero.types import Usage


class BudgetReserve:
    """Holds back from a search what the final selection and test will take, at the cost and pace of the calls so far.

    ``idle`` are the roles that the final selection and test do not use.
    """

    def __init__(self, budget: Budget, *, idle: Collection[str] = ()) -> None:
        self._budget = budget
        self._idle = frozenset(idle)
        self._before = budget.total.calls

    def keep(self, questions: int) -> None:
        """Hold back what ``questions`` questions will take of every role that is not idle, with a small margin."""
        spent = {role: usage for role, usage in self._budget.spent.items() if usage.calls and role not in self._idle}
        amounts = {role: _share(usage, questions) for role, usage in spent.items()}
        asked = self._budget.total.calls - self._before
        self._budget.keep(amounts, self._budget.elapsed / asked * questions if asked else 0.0)

    def release(self) -> None:
        """Let the final selection and test use what was held back."""
        self._budget.keep({}, 0.0)


def _share(usage: Usage, questions: int) -> Usage:
    """Return the usage of ``questions`` at the average of those in ``usage``, with a tenth more tokens.

    None is counted as cached, because the service's cache may have forgotten the prompts by then.
    """
    prompt, answer, thoughts = (
        math.ceil(1.1 * count / usage.calls * questions)
        for count in (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens)
    )
    return Usage(questions, prompt, answer, reasoning_tokens=thoughts)
