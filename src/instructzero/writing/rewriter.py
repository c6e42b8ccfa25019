"""Rewriting: a model that follows instructions makes a text from other texts, as an ordinary paid question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from instructzero.calls.fan_out import Arrived
from instructzero.calls.paid import PaidRole
from instructzero.calls.store import Call
from instructzero.types import Completion, Message, Request, Rewrite, Usage, Writing
from instructzero.writing.cleaning import clean, one_line, unfenced, without_thoughts

TEMPERATURE = 1.0
"""Above 0, so that samples of one prompt differ."""

_OPENING, _CLOSING = "<prompt>", "</prompt>"
_MARK = re.compile(r"<[^\S\n]*(/?)[^\S\n]*prompt[^\S\n]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Question:
    call: Call
    request: Request


class AskingRewriter:
    """Asks a paid model for texts, in words. Closes nothing: its model belongs to `PaidModels`.

    Parameters
    ----------
    role
        The paid model, with its stored answers and its account.
    max_tokens
        The maximum length of an answer in tokens.
    on_answer
        Called with (completion, cached) for every distinct question; ``cached`` is False only for an answer that was
        just paid for.
    """

    def __init__(
        self,
        role: PaidRole,
        *,
        max_tokens: int,
        on_answer: Callable[[Completion, bool], None],
    ) -> None:
        self._role = role
        self._answers = role.answers
        self._max_tokens = max_tokens
        self._on_answer = on_answer

    def rewrite(self, rewrites: Sequence[Rewrite], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """Return the texts in order, and the usage of the distinct questions that are not among those of ``known``.

        Cached answers count too, so that a resumed run has the same usage as an uninterrupted one.
        """
        questions = [self._question(rewrite) for rewrite in rewrites]
        distinct = {question.call: question for question in questions}
        answers = dict(zip(distinct, self._ask_all(list(distinct.values())), strict=True))
        new = distinct.keys() - {self._question(rewrite).call for rewrite in known}
        usage = sum((answers[call].usage for call in distinct if call in new), Usage())
        texts = [answers[question.call].text for question in questions]
        return [Writing(raw=text, instruction=read_text(text)) for text in texts], usage

    def _question(self, rewrite: Rewrite) -> _Question:
        messages = (Message("user", rewrite.prompt),)
        request = Request(messages, self._max_tokens, TEMPERATURE, seed=rewrite.seed)
        return _Question(self._answers.call(request), request)

    def _ask_all(self, questions: Sequence[_Question]) -> list[Completion]:
        """Return the answers to distinct questions; the first failure is raised."""
        batch = self._role.batch(self._ask, questions)
        return self._role.run(batch.wait_for([question.call for question in questions]))

    async def _ask(self, question: _Question, arrived: Arrived) -> Completion:
        completion, cached = await self._answers.get(question.call, question.request, arrived)
        self._on_answer(completion, cached)
        return completion


def read_text(answer: str) -> str:
    r"""Return the text between the last ``<prompt>`` and ``</prompt>`` of an answer, or the whole answer, cleaned.

    Marks in a model's thoughts do not count. The closing mark may be missing, because an answer can be cut off.

    >>> read_text("First <prompt>Sort.</prompt>, or better\n<prompt>\nSort the\nwords.\n</prompt>")
    'Sort the words.'
    """
    marked = _MARK.sub(r"<\1prompt>", without_thoughts(answer))
    before, closing, _ = marked.rpartition(_CLOSING)
    whole = before if closing else marked
    _, opening, inside = whole.rpartition(_OPENING)
    return one_line(unfenced(inside)) if opening else clean(whole)
