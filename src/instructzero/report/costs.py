"""The cost of a run: paid calls by role, from the call store, and black-box calls by phase, from the journal."""

from __future__ import annotations

from collections.abc import Mapping

from instructzero.calls.prices import cost_of
from instructzero.report.source import Record, Source
from instructzero.types import Evaluation, Usage


def costs_of(source: Source) -> Record:
    """Return the cost of the run.

    ``roles`` are the paid calls and tokens by role, including lost calls, with the first and last payment in Unix
    seconds; tokens from a cache and thoughts, which are parts of the others, only where there are any. ``phases`` are
    the black-box calls by phase, both paid ones and those answered from the call store. Amounts in dollars are None if
    a price is unknown. ``unread`` is the reason why the payments are not known, "" if they are.
    """
    spent = source.spent or {}
    return {
        "roles": [
            {
                "role": account.role,
                "model": _model(source, account.role),
                **account.usage.to_dict(),
                "lost": account.lost,
                "usd": cost_of({account.role: account.usage}, source.prices),
                "price": _price(source, account.role),
                "first": account.first,
                "last": account.last,
            }
            for account in source.accounts
        ],
        "usd": cost_of(spent, source.prices) if spent else None,
        "phases": [{"phase": name, **usage.to_dict()} for name, usage in _phases(source).items()],
        "asked": source.history.usage().to_dict(),
        "unread": source.unread,
    }


def _model(source: Source, role: str) -> str:
    """Return the model of a role as named on the command line."""
    named = {"judge": source.settings.judge, "writer": source.settings.writer}
    return str(named.get(role, source.settings.blackbox))


def _price(source: Source, role: str) -> list[float] | None:
    """Return the price in dollars per million prompt tokens and per million answer tokens."""
    price = source.prices.get(role)
    return [price.input, price.output] if price else None


def _phases(source: Source) -> dict[str, Usage]:
    """Return the black-box usage of every phase, in the order of a run."""
    history = source.history
    references = [scored[1] for scored in (history.plain, history.baseline) if scored]
    return {
        "baselines": _total(references),
        "search": history.scoring_usage(),
        "confirmation": _total_of(history.confirmations),
        "test": _total_of(history.tests),
    }


def _total(evaluations: list[Evaluation]) -> Usage:
    return sum((evaluation.usage for evaluation in evaluations), Usage())


def _total_of(evaluations: Mapping[str, Evaluation]) -> Usage:
    return _total(list(evaluations.values()))
