"""Texts made from other texts by a model that follows instructions, asked like any other question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from instructzero.calls.answers import Answers
from instructzero.calls.fan_out import Arrived, Session
from instructzero.calls.store import Call
from instructzero.models.event_loop import EventLoop
from instructzero.types import Completion, Message, Request, Rewrite, Usage, Writing
from instructzero.writing.cleaning import clean, one_line

TEMPERATURE = 1.0
"""Samples of one prompt shall differ."""

_OPENING, _CLOSING = "<prompt>", "</prompt>"


@dataclass(frozen=True, slots=True)
class _Question:
    call: Call
    request: Request


class AskingRewriter:
    """Asks for each text in words; what is paid is kept and booked by ``answers``.

    ``answers`` and the model behind them live in ``loop``. An answer has at most ``max_tokens``.
    ``on_answer(completion, cached)`` is heard for each distinct question. ``grace_s``: the seconds that what is on its
    way has to come back after a failure or an interrupt, because it is paid for.
    """

    def __init__(
        self,
        answers: Answers,
        loop: EventLoop,
        *,
        max_tokens: int,
        on_answer: Callable[[Completion, bool], None],
        grace_s: float = 5.0,
    ) -> None:
        self._answers = answers
        self._loop = loop
        self._max_tokens = max_tokens
        self._on_answer = on_answer
        self._grace_s = grace_s

    def rewrite(self, rewrites: Sequence[Rewrite], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """The texts in order, and the usage of the distinct questions that ``known`` did not ask yet.

        That counts whether or not the store knew an answer, so that a resumed run counts like an uninterrupted one.
        """
        questions = [self._question(each) for each in rewrites]
        distinct = {each.call: each for each in questions}
        answers = dict(zip(distinct, self._ask_all(list(distinct.values())), strict=True))
        new = distinct.keys() - {self._question(each).call for each in known}
        usage = sum((_usage(answers[call]) for call in distinct if call in new), Usage())
        texts = [answers[each.call].text for each in questions]
        return [Writing(raw=text, instruction=read_text(text)) for text in texts], usage

    def close(self) -> None:
        """Finish writing; the model is its owner's to close."""
        self._loop.run(self._answers.close())

    def _question(self, rewrite: Rewrite) -> _Question:
        messages = (Message("user", rewrite.prompt),)
        request = Request(messages, self._max_tokens, TEMPERATURE, seed=rewrite.seed)
        return _Question(self._answers.call(request), request)

    def _ask_all(self, questions: Sequence[_Question]) -> list[Completion]:
        """The answers to distinct questions; raises what the first failure raised."""
        session = Session(self._ask, questions, self._answers.concurrency, self._grace_s, lambda: self._answers.proven)
        return self._loop.run(session.wait_for([each.call for each in questions]))

    async def _ask(self, question: _Question, arrived: Arrived) -> Completion:
        completion, cached = await self._answers.get(question.call, question.request, arrived)
        self._on_answer(completion, cached)
        return completion


def read_text(answer: str) -> str:
    """The text in an answer: what stands in the last ``<prompt>`` … ``</prompt>``, or else the whole, cleaned up.

    An answer may be cut off before its end.

    >>> read_text("First <prompt>Sort.</prompt>, or better\\n<prompt>\\nSort the\\nwords.\\n</prompt>")
    'Sort the words.'
    """
    before, closing, _ = answer.rpartition(_CLOSING)
    whole = before if closing else answer
    _, opening, inside = whole.rpartition(_OPENING)
    return one_line(inside) if opening else clean(whole)


def _usage(answer: Completion) -> Usage:
    return Usage(1, answer.prompt_tokens, answer.completion_tokens)
