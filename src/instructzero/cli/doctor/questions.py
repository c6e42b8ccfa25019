"""The question to the model of each role: short, but of the kind that a run asks, and with its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from instructzero.build import build_judging, plain_request
from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.config import Settings
from instructzero.prompts import request_frame, zero_shot
from instructzero.scoring.judge import read_grade
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.terminal import excerpt
from instructzero.types import Completion, Example, Finish, Message, Request
from instructzero.writing.answers import read_text
from instructzero.writing.rewriter import TEMPERATURE

_SHOWN = 60
_SEED = 0


@dataclass(frozen=True, slots=True)
class Question:
    """The question of a role.

    Parameters
    ----------
    request
        Makes the request; another number makes another question of the same kind, so that no cache answers it.
    fault
        Returns what is wrong with an answer, "" for nothing.
    """

    request: Callable[[int], Request]
    fault: Callable[[Completion], str]


def question_of(role: str, settings: Settings) -> Question:
    """Return the question to "black box", "judge" or "writer"."""
    return {BLACK_BOX: _to_black_box, JUDGE: _to_judge, WRITER: _to_writer}[role](settings)


def _to_black_box(settings: Settings) -> Question:
    def request(number: int) -> Request:
        messages = zero_shot("Add the two numbers.", f"3 {number}")
        return Request(
            messages, settings.answer_tokens, settings.temperature, seed=_SEED if settings.temperature else None
        )

    return Question(request, lambda answer: _emptiness(answer, "--answer-tokens"))


def _to_judge(settings: Settings) -> Question:
    judging = build_judging(settings)

    def fault(answer: Completion) -> str:
        if (empty := _emptiness(answer, "--judge-tokens")) or read_grade(answer.text) is not None:
            return empty
        return "it states no grade; change --judge-criteria, raise --judge-tokens, or choose another model"

    return Question(lambda number: judging.request(Example(f"What is 3 + {number}?", (str(3 + number),)), "5"), fault)


def _to_writer(settings: Settings) -> Question:
    frame = request_frame(settings.writer_prompt, (), settings.task_description or "")

    def request(number: int) -> Request:
        exemplars = [Example(f"{word} {number}", (f"{word} {number}".upper(),)) for word in ("cat", "tree")]
        content = frame(plain_request(exemplars))
        return Request((Message("user", content),), settings.instruction_tokens, TEMPERATURE, seed=_SEED)

    def fault(answer: Completion) -> str:
        if (empty := _emptiness(answer, "--instruction-tokens")) or read_text(answer.text):
            return empty
        return "it writes no instruction; change --writer-prompt, or choose another model"

    return Question(request, fault)


def _emptiness(answer: Completion, limit: str) -> str:
    """Return why an answer has no text, "" if it has one."""
    if without_thoughts(answer.text).strip():
        return ""
    if answer.finish in (Finish.EMPTY_AT_LIMIT, Finish.CUT):
        return f"it used all its tokens before it answered, as a model that thinks does; raise {limit}"
    return {
        Finish.FILTERED: "the content filter of the service withheld it",
        Finish.REFUSED: "the model declined to answer",
    }.get(answer.finish, "it is empty")


def in_words(answer: Completion) -> str:
    """Return the beginning of an answer."""
    return f"“{excerpt(answer.text, _SHOWN)}”"
