"""Rewriting by a paid model: questions are asked once, usage is counted, and the text is read from the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, REWRITER, CallStore
from instructzero.errors import EndpointError
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.types import Completion, Request, Rewrite, Usage
from instructzero.writing.rewriter import AskingRewriter, read_text

Make = Callable[[ScriptedBlackBox], AskingRewriter]
THREE = [Rewrite("say it", "", 1), Rewrite("say it", "", 2), Rewrite("say more", "", 1)]


class Sampler(ScriptedBlackBox):
    """A black box whose answer to a prompt depends on the seed."""

    def __init__(self, fail_after: int | None = None) -> None:
        super().__init__(lambda prompt: f"Here: <prompt>{prompt}</prompt>", fail_after=fail_after)
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        answer = await super().complete(request)
        return replace(answer, text=answer.text.replace("</prompt>", f" {request.seed}</prompt>"))


@pytest.fixture
def received() -> list[bool]:
    return []


@pytest.fixture
def make(tmp_path: Path, received: list[bool]) -> Iterator[Make]:
    with CallStore(tmp_path / "calls.sqlite") as store, ExitStack() as stack:

        def build(box: ScriptedBlackBox) -> AskingRewriter:
            paid = stack.enter_context(PaidModels({BLACK_BOX: box}, store, run="run", grace_s=0.1))
            on_answer = lambda completion, cached: received.append(cached)  # noqa: E731
            return AskingRewriter(paid.role(REWRITER), max_tokens=9, on_answer=on_answer)

        yield build


def test_rewrite_returns_texts_in_order_with_raw_answers(make: Make) -> None:
    box = Sampler()
    writings, usage = make(box).rewrite(THREE)
    assert [writing.instruction for writing in writings] == ["say it 1", "say it 2", "say more 1"]
    assert writings[0].raw == "Here: <prompt>say it 1</prompt>"
    assert usage == Usage(3, 6, 9)
    assert {(request.max_tokens, request.temperature) for request in box.requests} == {(9, 1.0)}


def test_rewrite_asks_and_counts_question_once(make: Make, received: list[bool]) -> None:
    box = Sampler()
    rewriter = make(box)
    other_start = replace(THREE[0], start="say")
    writings, usage = rewriter.rewrite([THREE[0], other_start, THREE[0]])
    assert len(set(writings)) == 1
    assert usage.calls == len(box.requests) == 1
    again, counted = rewriter.rewrite(THREE, known=[THREE[0], THREE[2]])
    assert [writing.instruction for writing in again] == ["say it 1", "say it 2", "say more 1"]
    assert counted.calls == 1
    assert received == [False, True, False, False]


def test_rewrite_counts_cached_answers_without_asking(make: Make, tmp_path: Path) -> None:
    first, second = Sampler(), Sampler()
    fresh = make(first).rewrite(THREE)
    assert make(second).rewrite(THREE) == fresh
    assert second.requests == []
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.spent("run") == {REWRITER: fresh[1]}


def test_rewrite_failure_keeps_received_answers(make: Make) -> None:
    with pytest.raises(EndpointError):
        make(Sampler(fail_after=2)).rewrite(THREE)
    box = Sampler()
    make(box).rewrite(THREE)
    assert len(box.requests) == 1


def test_rewrite_of_nothing_costs_nothing(make: Make) -> None:
    assert make(Sampler()).rewrite([]) == ([], Usage())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("<prompt>Sort.</prompt>", "Sort."),
        ("1. Cross: <prompt>A</prompt> 2. Mutate: <prompt> B\nb </prompt> Done.", "B b"),
        ('<prompt>"Sort the words.\n\nInput: any"</prompt>', "Sort the words. Input: any"),
        ("First <prompt>A</prompt>, then <prompt>cut of", "A"),
        ("Here it is: <prompt>Sort the", "Sort the"),
        ("Sort.</prompt>", "Sort."),
        ("<prompt></prompt>", ""),
        ("Instruction: sort them.\n\nThis is good because", "sort them."),
        ("", ""),
        ("<think>Maybe <prompt>A</prompt>?</think>\n<prompt>B</prompt>", "B"),
        ("I put A between <prompt> and </prompt>.</think>Here is the instruction:\n\n**Sort.**", "Sort."),
        ("<think>Maybe <prompt>A</prompt></think>", "A"),
        ("<Prompt>\n```\nSort the\nwords.\n```\n</PROMPT>", "Sort the words."),
        ("< prompt >Sort.< / prompt >", "Sort."),
        ("Sure! Here is a better instruction:\n\nSort.\n\nThen count.\n\nLet me know!", "Sort. Then count."),
        ("<|channel|>analysis<|message|>A<|end|><|channel|>final<|message|><prompt>把词排序。</prompt>", "把词排序。"),
        ("**Prompt:** Sort.<|im_end|>", "Sort."),
    ],
)
def test_read_text_returns_text_in_last_marks(answer: str, text: str) -> None:
    assert read_text(answer) == text


@given(st.text())
def test_read_text_returns_one_line(answer: str) -> None:
    text = read_text(answer)
    assert text == " ".join(text.split())
