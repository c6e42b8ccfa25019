"""Texts that are asked for: each once, with what it cost, and what is read in the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker
from instructzero.calls.store import REWRITER, CallStore
from instructzero.errors import EndpointError
from instructzero.models.event_loop import EventLoop
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.types import Completion, Request, Rewrite, Usage
from instructzero.writing.rewriter import AskingRewriter, read_text

Make = Callable[[ScriptedBlackBox], AskingRewriter]
THREE = [Rewrite("say it", "", 1), Rewrite("say it", "", 2), Rewrite("say more", "", 1)]


class Sampler(ScriptedBlackBox):
    """Its answer to a prompt depends on the seed."""

    def __init__(self, fail_after: int | None = None) -> None:
        super().__init__(lambda prompt: f"Here: <prompt>{prompt}</prompt>", fail_after=fail_after)
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        answer = await super().complete(request)
        return replace(answer, text=answer.text.replace("</prompt>", f" {request.seed}</prompt>"))


@pytest.fixture
def heard() -> list[bool]:
    return []


@pytest.fixture
def make(tmp_path: Path, heard: list[bool]) -> Iterator[Make]:
    loop = EventLoop()
    with CallStore(tmp_path / "calls.sqlite") as store:

        def build(box: ScriptedBlackBox) -> AskingRewriter:
            answers = Answers(Asker.of(box), store, run="run", role=REWRITER)
            return AskingRewriter(
                answers, loop, max_tokens=9, on_answer=lambda completion, cached: heard.append(cached), grace_s=0.1
            )

        yield build
    loop.close()


def test_each_text_comes_in_its_place_and_the_raw_answer_beside_it(make: Make) -> None:
    box = Sampler()
    with closing(make(box)) as rewriter:
        writings, usage = rewriter.rewrite(THREE)
    assert [each.instruction for each in writings] == ["say it 1", "say it 2", "say more 1"]
    assert writings[0].raw == "Here: <prompt>say it 1</prompt>"
    assert usage == Usage(3, 6, 9)
    assert {(each.max_tokens, each.temperature) for each in box.requests} == {(9, 1.0)}


def test_a_question_is_asked_and_counted_once(make: Make, heard: list[bool]) -> None:
    box = Sampler()
    with closing(make(box)) as rewriter:
        other_start = replace(THREE[0], start="say")
        writings, usage = rewriter.rewrite([THREE[0], other_start, THREE[0]])
        assert len(set(writings)) == 1
        assert usage.calls == len(box.requests) == 1
        again, counted = rewriter.rewrite(THREE, known=[THREE[0], THREE[2]])
        assert [each.instruction for each in again] == ["say it 1", "say it 2", "say more 1"]
        assert counted.calls == 1
    assert heard == [False, True, False, False]


def test_what_the_store_knew_counts_and_is_not_asked(make: Make, tmp_path: Path) -> None:
    first, second = Sampler(), Sampler()
    with closing(make(first)) as rewriter:
        fresh = rewriter.rewrite(THREE)
    with closing(make(second)) as rewriter:
        assert rewriter.rewrite(THREE) == fresh
    assert second.requests == []
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.spent("run") == {REWRITER: fresh[1]}


def test_after_a_failure_what_was_answered_is_kept(make: Make) -> None:
    with closing(make(Sampler(fail_after=2))) as rewriter, pytest.raises(EndpointError):
        rewriter.rewrite(THREE)
    box = Sampler()
    with closing(make(box)) as rewriter:
        rewriter.rewrite(THREE)
    assert len(box.requests) == 1


def test_nothing_to_rewrite_costs_nothing(make: Make) -> None:
    with closing(make(Sampler())) as rewriter:
        assert rewriter.rewrite([]) == ([], Usage())


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
    ],
)
def test_the_text_is_what_stands_in_the_last_marks(answer: str, text: str) -> None:
    assert read_text(answer) == text


@given(st.text())
def test_whatever_is_answered_is_one_line(answer: str) -> None:
    text = read_text(answer)
    assert text == " ".join(text.split())
