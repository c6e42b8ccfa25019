"""Rewriting: a model that follows instructions makes a text from other texts, as an ordinary paid question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from instructzero.calls.call import Call
from instructzero.calls.paid import PaidRole
from instructzero.types import Completion, Message, Request, Rewrite, Usage, Writing
from instructzero.writing.answers import read_text, read_texts

TEMPERATURE = 1.0
"""Above 0, so that samples of one prompt differ."""

Read = Callable[[str, int], Sequence[str]]
"""Returns the texts in an answer, of which there should be this many."""


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
        The maximum length of a text in tokens; an answer with several texts may have that many times more.
    on_answer
        Called with (completion, cached) for every distinct question; ``cached`` is False only for an answer that was
        just paid for.
    frame
        Returns the text of a question to the model, given the prompt of a rewrite.
    read
        Returns the texts in an answer; by default the last marked text on one line.
    """

    def __init__(
        self,
        role: PaidRole,
        *,
        max_tokens: int,
        on_answer: Callable[[Completion, bool], None],
        frame: Callable[[str], str] = str,
        read: Read = lambda answer, parts: [read_text(answer)] if parts == 1 else read_texts(answer, parts),
    ) -> None:
        self._role = role
        self._answers = role.answers
        self._max_tokens = max_tokens
        self._on_answer = on_answer
        self._frame = frame
        self._read = read

    def rewrite(self, rewrites: Sequence[Rewrite], known: Sequence[Rewrite] = ()) -> tuple[list[Writing], Usage]:
        """Return the texts in order, and the usage of the distinct questions that are not among those of ``known``.

        Rewrites that differ only in their ``part`` are one question. Cached answers count too, so that a resumed run
        has the same usage as an uninterrupted one.
        """
        questions = [self._question(rewrite) for rewrite in rewrites]
        distinct = {question.call: question for question in questions}
        answers = dict(zip(distinct, self._ask_all(list(distinct.values())), strict=True))
        new = distinct.keys() - {self._question(rewrite).call for rewrite in known}
        usage = sum((answers[call].usage for call in distinct if call in new), Usage())
        asked = list(zip(questions, rewrites, strict=True))
        parts = {question.call: rewrite.parts for question, rewrite in asked}
        texts = {call: list(self._writings(answer.text, parts[call])) for call, answer in answers.items()}
        return [texts[question.call][rewrite.part] for question, rewrite in asked], usage

    def greedy(self, prompt: str) -> tuple[Writing, Completion]:
        """Return the text that the model writes at temperature 0, and its answer."""
        request = replace(self._question(Rewrite(prompt, "", 0)).request, temperature=0.0, seed=None)
        (completion,) = self._ask_all([_Question(self._answers.call(request), request)])
        return next(self._writings(completion.text, 1)), completion

    def _question(self, rewrite: Rewrite) -> _Question:
        messages = (Message("user", self._frame(rewrite.prompt)),)
        request = Request(messages, self._max_tokens * rewrite.parts, TEMPERATURE, seed=rewrite.seed)
        return _Question(self._answers.call(request), request)

    def _writings(self, answer: str, parts: int) -> Iterator[Writing]:
        """Yield the texts of an answer; the first one comes with the whole answer as its raw text."""
        for part, text in enumerate(self._read(answer, parts)):
            yield Writing(raw=text if part else answer, instruction=text)

    def _ask_all(self, questions: Sequence[_Question]) -> list[Completion]:
        """Return the answers to distinct questions; the first failure is raised."""
        batch = self._role.batch(self._note, questions)
        return self._role.run(batch.wait_for([question.call for question in questions]))

    def _note(self, question: _Question, completion: Completion, cached: bool) -> Completion:
        self._on_answer(completion, cached)
        return completion
