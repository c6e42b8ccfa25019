"""What a run cost: by role as its ledger has it, and by what it was asked for as the journal has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from instructzero.progress import cost_of
from instructzero.report.source import Record, Source
from instructzero.types import Evaluation, Usage


def costs_of(source: Source) -> Record:
    """``roles``: paid, lost tries included, with the first and last payment in Unix seconds. ``phases``: asked of the
    black box, whether paid or found in the call store. Dollars are None where a price is not known."""
    spent = source.spent or {}
    return {
        "roles": [
            {
                "role": account.role,
                "model": _model(source, account.role),
                **asdict(account.usage),
                "lost": account.lost,
                "usd": cost_of({account.role: account.usage}, source.prices),
                "price": _price(source, account.role),
                "first": account.first,
                "last": account.last,
            }
            for account in source.accounts
        ],
        "usd": cost_of(spent, source.prices) if spent else None,
        "phases": [{"phase": name, **asdict(usage)} for name, usage in _phases(source).items()],
        "asked": asdict(source.history.usage()),
    }


def _model(source: Source, role: str) -> str:
    """The model's name on the command line."""
    return str(source.settings.judge) if role == "judge" else source.settings.blackbox


def _price(source: Source, role: str) -> list[float] | None:
    """Dollars per million prompt tokens and per million answer tokens."""
    price = source.prices.get(role)
    return [price.input, price.output] if price else None


def _phases(source: Source) -> dict[str, Usage]:
    """What the black box was asked, in the order of a run."""
    history = source.history
    references = [each[1] for each in (history.plain, history.baseline) if each]
    return {
        "what it has to beat": _total(references),
        "search": history.search_usage(),
        "confirmation": _total_of(history.confirmations),
        "test": _total_of(history.tests),
    }


def _total(evaluations: list[Evaluation]) -> Usage:
    return sum((each.usage for each in evaluations), Usage())


def _total_of(evaluations: Mapping[str, Evaluation]) -> Usage:
    return _total(list(evaluations.values()))
