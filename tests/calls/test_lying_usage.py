"""Limits against services whose bill is known, and whose reports of it lie in every way: 300 random runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from instructzero.calls.bounds import bound_of
from instructzero.calls.budget import Budget
from instructzero.calls.limits import Limits
from instructzero.calls.paid import PaidModels
from instructzero.calls.prices import Price
from instructzero.calls.store import BLACK_BOX, JUDGE, CallStore
from instructzero.errors import BudgetExhausted, EndpointError, TransientError
from instructzero.models.usage import openai_tokens
from instructzero.protocols import Capabilities
from instructzero.types import Completion, Message, Request, Usage

SEEDS = 20
"""Runs of a kind of report: 160 within the bounds, 100 beyond them and 20 understated; 20 whole runs elsewhere."""

QUESTIONS = 24
RUN = "run"
Report = Callable[[Usage, random.Random], object]
"""What a service says about the usage that it bills."""


def honest(billed: Usage, rng: random.Random) -> dict[str, Any]:
    return {
        "prompt_tokens": billed.prompt_tokens,
        "completion_tokens": billed.completion_tokens,
        "total_tokens": billed.tokens,
        "prompt_tokens_details": {"cached_tokens": billed.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": billed.reasoning_tokens},
    }


def of_deepseek(billed: Usage, rng: random.Random) -> dict[str, Any]:
    said = honest(billed, rng) | {"prompt_cache_hit_tokens": billed.cached_tokens}
    return {name: value for name, value in said.items() if name != "prompt_tokens_details"}


def without_total(billed: Usage, rng: random.Random) -> dict[str, Any]:
    return {name: value for name, value in honest(billed, rng).items() if name != "total_tokens"}


def overstated(billed: Usage, rng: random.Random) -> dict[str, Any]:
    more = Usage(0, rng.randrange(300), rng.randrange(300))
    return honest(replace(billed + more, cached_tokens=0, reasoning_tokens=0), rng)


def nonsense(rng: random.Random) -> object:
    return rng.choice([-rng.randrange(1, 10**6), "12", "many", True, None, [], {"n": 1}, 1e300, 2**60, 0, -0.5])


def partly_nonsense(billed: Usage, rng: random.Random) -> dict[str, Any]:
    said = honest(billed, rng)
    return {name: value if rng.random() < 0.4 else nonsense(rng) for name, value in said.items()}


def partly_missing(billed: Usage, rng: random.Random) -> dict[str, Any]:
    return {name: value for name, value in honest(billed, rng).items() if rng.random() < 0.5}


def silent(billed: Usage, rng: random.Random) -> object:
    return rng.choice([None, {}, [], "none", 7, {"usage": 3}])


def zeros(billed: Usage, rng: random.Random) -> dict[str, Any]:
    return dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), 0)


def thoughts_in_total(billed: Usage, rng: random.Random) -> dict[str, Any]:
    visible = billed.completion_tokens - billed.reasoning_tokens
    return {"prompt_tokens": billed.prompt_tokens, "completion_tokens": visible, "total_tokens": billed.tokens}


def thoughts_in_details(billed: Usage, rng: random.Random) -> dict[str, Any]:
    visible = billed.completion_tokens - billed.reasoning_tokens
    said = {"prompt_tokens": billed.prompt_tokens, "completion_tokens": visible}
    details = {"completion_tokens_details": {"reasoning_tokens": billed.reasoning_tokens}}
    return said | details | ({"total_tokens": billed.prompt_tokens + visible} if rng.random() < 0.5 else {})


def thoughts_alone(billed: Usage, rng: random.Random) -> dict[str, Any]:
    details = {"reasoning_tokens": billed.reasoning_tokens}
    return {"prompt_tokens": billed.prompt_tokens, "completion_tokens_details": details}


def understated(billed: Usage, rng: random.Random) -> dict[str, Any]:
    return {"prompt_tokens": max(1, billed.prompt_tokens // 3), "completion_tokens": 1}


WITHIN_BOUND = (honest, of_deepseek, without_total, overstated, partly_nonsense, partly_missing, silent, zeros)
BEYOND_BOUND = (honest, without_total, thoughts_in_total, thoughts_in_details, thoughts_alone)


@dataclass(frozen=True)
class Try:
    """A try with what it is billed, and what it was allowed to be billed."""

    role: str
    billed: Usage
    bound: Usage

    @property
    def excess(self) -> Usage:
        """The tokens beyond the bound, all of the answer's as thoughts."""
        prompt = max(0, self.billed.prompt_tokens - self.bound.prompt_tokens)
        answer = max(0, self.billed.completion_tokens - self.bound.completion_tokens)
        return Usage(0, prompt, answer, reasoning_tokens=answer)


class Service:
    """A model that bills a random usage for every try; ``beyond`` is added to it, such as thoughts on top.

    Attributes
    ----------
    bill
        All tries that were billed, with those that are lost on the way.
    at_risk
        The tries in flight when the last one was sent, with those that ended since the one before.
    """

    def __init__(self, rng: random.Random, report: Report, beyond: Callable[[int], Usage] | None = None) -> None:
        self._rng, self._report, self._beyond = rng, report, beyond
        self.concurrency = rng.choice([1, 2, 8, 32])
        self.bill: list[Try] = []
        self.at_risk: list[Try] = []
        self._in_flight: list[Try] = []
        self._ended: list[Try] = []

    @property
    def identity(self) -> Mapping[str, str]:
        return {"model": f"service {id(self)}"}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(local=True)  # all places of the throttle at once: only the budget is careful

    async def complete(self, request: Request) -> Completion:
        role = request.messages[0].content.partition(":")[0]
        one = Try(role, self._billed(bound_of(request)), bound_of(request))
        self._in_flight.append(one)
        self.at_risk, self._ended = [*self._ended, *self._in_flight], []
        for _ in range(self._rng.randrange(2, 30)):
            await asyncio.sleep(0)
        self._in_flight.remove(one)
        self._ended.append(one)
        if self._beyond is None and self._rng.random() < 0.1:
            if lost := self._rng.random() < 0.5:
                self.bill.append(one)
            raise TransientError("out of order", maybe_paid=lost)
        self.bill.append(one)
        return Completion("an answer", **openai_tokens(self._report(one.billed, self._rng)))

    def _billed(self, bound: Usage) -> Usage:
        rng = self._rng
        prompt, answer = rng.randint(1, bound.prompt_tokens), rng.randint(1, bound.completion_tokens)
        if self._beyond is not None:
            return Usage(1, prompt, answer) + self._beyond(len(self.bill))
        return Usage(1, prompt, answer, rng.randint(0, prompt), rng.randint(0, answer - 1))

    async def close(self) -> None: ...


@dataclass
class Run:
    """The end of a run: what was charged and billed, and the limits."""

    limits: Limits
    prices: Mapping[str, Price]
    charged: Mapping[str, Usage]
    services: list[Service]
    warnings: list[str]

    @property
    def bill(self) -> list[Try]:
        return [one for service in self.services for one in service.bill]

    @property
    def at_risk(self) -> list[Try]:
        return [one for service in self.services for one in service.at_risk]

    @property
    def reports(self) -> list[Try]:
        return [Try(role, usage, Usage()) for role, usage in self.charged.items()]

    def amounts(self, tries: list[Try], part: str = "billed") -> tuple[int, float]:
        """Return tokens and dollars."""
        usages = [(one.role, getattr(one, part)) for one in tries]
        dollars = sum(self.prices[role].cost(usage) for role, usage in usages)
        return sum(usage.tokens for _, usage in usages), dollars

    def keeps_limits(self, tries: list[Try], margin: tuple[int, float] = (0, 0.0)) -> bool:
        tokens, dollars = self.amounts(tries)
        return (self.limits.tokens is None or tokens <= self.limits.tokens + margin[0]) and (
            self.limits.usd is None or dollars <= self.limits.usd + margin[1] + 1e-9
        )


def play(folder: Path, seed: int, report: Report, beyond: Callable[[int], Usage] | None = None) -> Run:
    """Ask two roles many questions at once under random limits, until a limit is reached or all are answered."""
    rng = random.Random(f"{report.__name__} {seed}")
    limits, prices, warnings = any_limits(rng), any_prices(rng, report), list[str]()
    services = {BLACK_BOX: Service(rng, report, beyond), JUDGE: Service(rng, report, beyond)}
    with CallStore(folder / f"{seed}.sqlite") as store:
        budget = Budget(limits, prices=prices, warn=warnings.append)
        with PaidModels(services, store, run=RUN, budget=budget) as paid:
            paid.role(BLACK_BOX).run(asking(paid, rng))
        assert store.spent(RUN) == {role: usage for role, usage in budget.spent.items() if usage.calls}
        assert limits.calls is None or budget.total.calls <= limits.calls
        return Run(limits, prices, budget.spent, list(services.values()), warnings)


def any_limits(rng: random.Random) -> Limits:
    drawn = {"calls": rng.randrange(1, 50), "tokens": rng.randrange(100, 20_000), "usd": rng.uniform(0.0005, 0.05)}
    chosen = [name for name in drawn if rng.random() < 0.5] or [rng.choice(list(drawn))]
    return Limits(**{name: drawn[name] for name in chosen})  # type: ignore[arg-type]


def any_prices(rng: random.Random, report: Report) -> dict[str, Price]:
    """Parts cost more than the others only where they are always reported."""
    dearest = 2.0 if report in (honest, of_deepseek, without_total) else 1.0

    def price() -> Price:
        given, taken = rng.uniform(0.1, 3), rng.uniform(0.1, 9)
        cached = rng.choice([None, given * rng.uniform(0, dearest)])
        return Price(given, taken, cached, rng.choice([None, taken * rng.uniform(0, dearest)]))

    return {BLACK_BOX: price(), JUDGE: price()}


async def asking(paid: PaidModels, rng: random.Random) -> None:
    async def ask(role: str, number: int) -> None:
        answers = paid.role(role).answers
        text = f"{role}: {number} {'é' * rng.randrange(200)}"
        request = Request((Message("user", text),), max_tokens=rng.choice([5, 64, 256]))
        await answers.get(answers.call(request), request)

    tasks = [ask(role, number) for number in range(QUESTIONS) for role in (BLACK_BOX, JUDGE)]
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert outcome is None or isinstance(outcome, BudgetExhausted | EndpointError), outcome


@pytest.mark.parametrize("report", WITHIN_BOUND)
def test_bill_within_bounds_never_exceeds_a_limit_whatever_is_reported(tmp_path: Path, report: Report) -> None:
    """Honest and overstated usage, and any that is missing or nonsense, which is charged at its bound."""
    for seed in range(SEEDS):
        ended = play(tmp_path, seed, report)
        assert ended.keeps_limits(ended.bill), seed
        assert not ended.warnings or report in (overstated, partly_nonsense, partly_missing)


def thoughts(number: int) -> Usage:
    return Usage(0, 0, 1_000, reasoning_tokens=1_000)


def growing_thoughts(number: int) -> Usage:
    return Usage(0, 0, 40 * number**2, reasoning_tokens=40 * number**2)


def system_prompt(number: int) -> Usage:
    return Usage(0, 2_000)


def prompt_and_thoughts(number: int) -> Usage:
    return system_prompt(number) + thoughts(number)


@pytest.mark.parametrize("beyond", [thoughts, growing_thoughts, system_prompt, prompt_and_thoughts])
@pytest.mark.parametrize("report", BEYOND_BOUND)
def test_bill_beyond_bounds_exceeds_a_limit_at_most_by_what_was_in_flight(
    tmp_path: Path, report: Report, beyond: Callable[[int], Usage]
) -> None:
    """The overrun is at most the excess of the tries that were in flight when the last one was sent.

    If all answers exceed their bounds by about as much, it is at most the excess of the first answer of each role,
    because nothing else of the role is in flight before that, and the bounds grow with it.
    """
    for seed in range(SEEDS // 4):
        ended = play(tmp_path, seed, report, beyond)
        first = [one for service in ended.services for one in service.bill[:1]]
        surprising = ended.at_risk if beyond is growing_thoughts else first
        assert ended.keeps_limits(ended.bill, margin=ended.amounts(surprising, "excess")), seed
        exceeding = sum(any(one.excess.tokens for one in service.bill) for service in ended.services)
        assert len(ended.warnings) == exceeding or report is thoughts_alone


def test_bill_above_plausible_reports_is_not_known_and_reports_keep_the_limits(tmp_path: Path) -> None:
    for seed in range(SEEDS):
        ended = play(tmp_path, seed, understated)
        assert ended.keeps_limits(ended.reports)
        assert sum(usage.calls for usage in ended.charged.values()) >= len(ended.bill)
