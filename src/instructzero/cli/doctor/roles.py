"""One real question to the model of each role, and what its answer says about the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

from instructzero.build import build_asked_writer, build_blackbox, build_judge
from instructzero.calls.bounds import bound_of
from instructzero.calls.prices import Price
from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.cli.doctor.endpoints import examine_address, examine_listed, examine_listing
from instructzero.cli.doctor.findings import Finding, State
from instructzero.cli.doctor.local import examine_local, examine_writer
from instructzero.cli.doctor.parallelism import AT_ONCE, examine_parallelism
from instructzero.cli.doctor.questions import Question, in_words, question_of
from instructzero.cli.doctor.remedies import remedy
from instructzero.config import Settings
from instructzero.errors import InstructZeroError
from instructzero.models.registry import is_asked
from instructzero.pricing import role_prices
from instructzero.protocols import BlackBox, capabilities_of, listen
from instructzero.roles import Endpoint, endpoint_of
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.types import Completion, Request

_FIRST = 2
"""The number in the first question."""

_NAMED = {BLACK_BOX: ("blackbox", "base_url"), JUDGE: ("judge",), WRITER: ("writer",)}
_BUILD: dict[str, Callable[[Settings], BlackBox | None]] = {
    BLACK_BOX: build_blackbox,
    JUDGE: build_judge,
    WRITER: build_asked_writer,
}


def examine_roles(settings: Settings) -> Iterator[Finding]:
    """Yield what one question to each model that ``settings`` name finds."""
    named = [role for role, names in _NAMED.items() if set(names) & settings.model_fields_set]
    if JUDGE in named:
        settings = settings.model_copy(update={"metric": "judge"})
    with asyncio.Runner() as runner:
        for role in named:
            findings = _examine(role, settings)
            while (finding := runner.run(_next(findings))) is not None:
                yield finding


async def _next(findings: AsyncIterator[Finding]) -> Finding | None:
    return await anext(findings, None)


async def _examine(role: str, settings: Settings) -> AsyncIterator[Finding]:
    endpoint = endpoint_of(settings, role)
    if role == BLACK_BOX and "blackbox" not in settings.model_fields_set:
        yield await examine_listing(endpoint)
    elif role == WRITER and not is_asked(settings.writer):
        for finding in examine_writer(settings):
            yield finding
    else:
        async for finding in _Examination(role, settings, endpoint).findings():
            yield finding


@dataclass(frozen=True, slots=True)
class _Examination:
    """The question to the model of one role."""

    role: str
    settings: Settings
    endpoint: Endpoint

    async def findings(self) -> AsyncIterator[Finding]:
        question = question_of(self.role, self.settings)
        learned: list[str] = []
        try:
            remote = examine_address(self.role, self.endpoint, self.settings)
            for finding in remote.findings if remote else ():
                yield finding
            model = _BUILD[self.role](self.settings)
            assert model is not None
        except InstructZeroError as error:
            yield self._finding("model", str(error), State.FAIL)
            return
        listen(model, learned.append)
        try:
            request, start = question.request(_FIRST), perf_counter()
            answer = await model.complete(request)
            async for finding in self._answered(model, question, answer, perf_counter() - start, learned):
                yield finding
            if remote:
                async for finding in examine_listed(self.role, remote.asked):
                    yield finding
        except InstructZeroError as error:
            yield self._finding("answer", str(error), State.FAIL)
            if remote and (fix := await remedy(remote.asked, str(error))):
                yield self._finding("fix", fix, State.NOTE)
        finally:
            await model.close()

    async def _answered(
        self, model: BlackBox, question: Question, answer: Completion, seconds: float, learned: list[str]
    ) -> AsyncIterator[Finding]:
        """Yield what a first answer says, and what some more questions at once do."""
        fault = question.fault(answer)
        said = f"{in_words(answer)} after {seconds:.2f} s"
        yield self._finding("answer", f"{said}: {fault}" if fault else said, State.FAIL if fault else State.OK)
        for clause in learned:
            yield self._finding("parameters", f"the service {clause}", State.NOTE)
        if not capabilities_of(model).local:
            if not learned:
                yield self._finding("parameters", "all were accepted")
            yield self._tokens(answer, question.request(_FIRST))
            yield self._price(answer)
        yield self._thoughts(answer)
        for name, detail in examine_local(model):
            yield self._finding(name, detail)
        if self.endpoint.url or not capabilities_of(model).local:
            at_once = min(AT_ONCE, self.settings.concurrency or AT_ONCE)
            requests = [question.request(_FIRST + number) for number in range(1, at_once + 1)]
            if at_once > 1:
                yield await examine_parallelism(f"{self.role}, parallelism", model, requests)

    def _tokens(self, answer: Completion, request: Request) -> Finding:
        bound = bound_of(request)
        billed = (
            f"prompt {answer.prompt_tokens} ({answer.cached_tokens} cached), answer {answer.completion_tokens} "
            f"({answer.reasoning_tokens} thoughts)"
        )
        limits = f"at most {bound.prompt_tokens} + {bound.completion_tokens} are set aside"
        if not (answer.prompt_tokens or answer.completion_tokens):
            return self._finding("tokens", f"the service reports no usage: {limits}, and count as used", State.NOTE)
        if not (answer.prompt_tokens and answer.completion_tokens):
            return self._finding("tokens", f"{billed}: the other part is not reported; {limits}", State.NOTE)
        exceeds = answer.prompt_tokens > bound.prompt_tokens or answer.completion_tokens > bound.completion_tokens
        if exceeds:
            return self._finding("tokens", f"{billed}: more than expected, {limits} for a first call", State.NOTE)
        return self._finding("tokens", f"{billed}; {limits}")

    def _price(self, answer: Completion) -> Finding:
        price = role_prices(self.settings)[self.role]
        if price is None:
            flag = {JUDGE: "judge-", WRITER: "writer-"}.get(self.role, "")
            detail = (
                f"not known: name it with --{flag}input-price and --{flag}output-price to limit dollars (--max-usd)"
            )
            return self._finding("price", detail, State.NOTE)
        return self._finding("price", f"{_in_dollars(price)}; this question cost ${price.cost(answer.billed):.6f}")

    def _thoughts(self, answer: Completion) -> Finding:
        if without_thoughts(answer.text) != answer.text:
            return self._finding(
                "thoughts", "in the text of the answer; they are cut out when it is scored", State.NOTE
            )
        if answer.reasoning_tokens:
            return self._finding(
                "thoughts", f"{answer.reasoning_tokens} tokens, beside the answer; they are billed", State.NOTE
            )
        return self._finding("thoughts", "none")

    def _finding(self, name: str, detail: str, state: State = State.OK) -> Finding:
        return Finding(f"{self.role}, {name}", detail, state)


def _in_dollars(price: Price) -> str:
    if not (price.input or price.output):
        return "free"
    return f"${price.input:g} and ${price.output:g} per million tokens of prompt and answer"
