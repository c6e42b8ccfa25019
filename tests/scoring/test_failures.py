"""Examples that get no answer: counted once, named, limited in number, and never asked again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.paid import PaidModels
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.errors import ModelError, RefusedQuestion, TooManyFailures
from instructzero.models.callable import CallableBlackBox
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.protocols import BlackBox
from instructzero.scoring.evaluator import Evaluator
from instructzero.scoring.failures import Failures
from instructzero.scoring.scorers import MetricScorer
from instructzero.types import Completion, Evaluation, Example, Finish, Incomplete, Message, Request, Usage

EXAMPLES = [Example(f"stone{number}", (f"STONE{number}",)) for number in range(20)]
SEARCH, TEST = EXAMPLES[:12], EXAMPLES[12:]


def sentences(failures: Failures, *examples: Example) -> None:
    for example in examples:
        failures.add(example, "status 400: too long")


def test_example_counts_once_however_often_it_fails() -> None:
    said: list[str] = []
    failures = Failures(0.1, SEARCH, TEST, said.append)  # 2 of 20
    for _ in range(5):
        sentences(failures, *SEARCH[:2])
    assert len(said) == 2
    assert "“stone0”, which scores 0 (status 400: too long); 1 of at most 2" in said[0]


def test_one_failure_too_many_stops_and_says_what_to_do() -> None:
    failures = Failures(0.1, SEARCH, TEST)
    with pytest.raises(TooManyFailures, match=r"3 of the 20 examples.*0\.1 accepts 2.*“stone2”.*raise --max-failures"):
        sentences(failures, *SEARCH[:3])


def test_share_above_0_accepts_one_failure_and_0_accepts_none() -> None:
    sentences(Failures(0.001, SEARCH, TEST), SEARCH[0])
    with pytest.raises(TooManyFailures):
        sentences(Failures(0, SEARCH, TEST), SEARCH[0])


def test_failures_in_the_final_test_stop_only_if_most_of_it_fails() -> None:
    failures = Failures(0.1, SEARCH, TEST)
    sentences(failures, *TEST[:4])
    with pytest.raises(TooManyFailures):
        sentences(failures, TEST[4])


def test_many_failures_among_the_first_examples_stop_before_the_limit() -> None:
    examples = [Example(f"leaf{number}", ("x",)) for number in range(100)]
    few, many = (Failures(0.1, examples, ()) for _ in range(2))
    sentences(few, *examples[:3])
    few.check(examples[:20])
    sentences(many, *examples[:7])
    with pytest.raises(TooManyFailures, match="7 of the first 20 of 100 examples"):
        many.check(examples[:20])


@given(st.sets(st.integers(0, 99), max_size=10), st.integers(1, 100))
def test_no_more_failures_than_the_limit_never_stop_once_all_were_asked(failed: set[int], share: int) -> None:
    examples = [Example(str(number), ("x",)) for number in range(100)]
    failures = Failures(max(len(failed), share) / 100, examples, ())
    sentences(failures, *(examples[number] for number in failed))
    failures.check(examples)


def test_replayed_failures_count_and_are_not_announced_again() -> None:
    said: list[str] = []
    failures = Failures(0.1, SEARCH, TEST, said.append)
    lost = tuple(Incomplete(number, Finish.FAILED, "status 400: no") for number in (0, 1))
    cut = Incomplete(3, Finish.CUT)
    failures.replay(SEARCH, Evaluation((0.0,) * 4, ("",) * 4, incomplete=(*lost, cut)))
    sentences(failures, *SEARCH[:2])
    assert not said
    with pytest.raises(TooManyFailures):
        sentences(failures, SEARCH[5])


class Picky(ScriptedBlackBox):
    """Refuses the questions about which ``refuses`` returns True."""

    def __init__(self, refuses: Callable[[str], bool], *, about_content: bool = True) -> None:
        super().__init__(lambda prompt: prompt.rpartition("|")[2].upper(), concurrency=2, delay=0.01)
        self.refuses, self.about_content = refuses, about_content
        self.refused: list[str] = []

    async def complete(self, request: Request) -> Completion:
        text = request.messages[0].content.rpartition("|")[2]
        if self.refuses(text):
            self.refused.append(text)
            raise RefusedQuestion("it is refused", reason="too rude", about_content=self.about_content)
        return await super().complete(request)


def render(instruction: str, example: Example) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{example.input}"),)


def evaluate(box: BlackBox, path: Path, *instructions: str, share: float = 0.1, run: str = "r") -> list[Evaluation]:
    with CallStore(path) as store, PaidModels({BLACK_BOX: box}, store, run=run, tolerant=True) as paid:
        scorer = MetricScorer(lambda prediction, answers: float(prediction in answers))
        failures = Failures(share, EXAMPLES, ())
        evaluator = Evaluator(paid.role(BLACK_BOX), scorer, render=render, failures=failures)
        return list(evaluator.evaluate(instructions, EXAMPLES))


def test_refused_question_scores_0_and_is_not_asked_again(tmp_path: Path) -> None:
    box = Picky(lambda text: text in ("stone3", "stone7"))
    (result,) = evaluate(box, tmp_path / "calls.sqlite", "a")
    assert result.mean == 18 / 20
    assert result.predictions[3] == ""
    assert result.incomplete == tuple(Incomplete(number, Finish.FAILED, "too rude") for number in (3, 7))
    assert evaluate(box, tmp_path / "calls.sqlite", "a") == [result]
    assert (box.calls.total(), sorted(box.refused)) == (18, ["stone3", "stone7"])


def test_refused_question_is_booked_at_its_maximum_cost(tmp_path: Path) -> None:
    evaluate(Picky(lambda text: text == "stone3"), tmp_path / "calls.sqlite", "a")
    with CallStore(tmp_path / "calls.sqlite") as store:
        spent = store.spent("r")[BLACK_BOX]
    assert spent.calls == 20
    assert spent.completion_tokens == 19 + 256


def test_too_many_refused_questions_stop_and_keep_every_answer(tmp_path: Path) -> None:
    box = Picky(lambda text: text.endswith(("1", "2", "3")))
    with pytest.raises(TooManyFailures):
        evaluate(box, tmp_path / "calls.sqlite", "a", "b")
    asked = box.calls.copy()
    first, second = evaluate(box, tmp_path / "calls.sqlite", "a", "b", share=0.5)
    assert first.scores == second.scores
    assert max(box.calls.values()) == 1
    assert asked.total() < box.calls.total() == 28
    assert len(box.refused) == 12


@pytest.mark.parametrize("bad", ["stone0", "stone5"])
def test_unclear_refusal_of_one_question_fails_that_question(tmp_path: Path, bad: str) -> None:
    box = Picky(lambda text: text == bad, about_content=False)
    (result,) = evaluate(box, tmp_path / "calls.sqlite", "a")
    assert result.mean == 19 / 20
    assert len(box.refused) <= 2


def test_unclear_refusal_of_the_first_questions_stops_at_once(tmp_path: Path) -> None:
    box = Picky(lambda text: True, about_content=False)
    with pytest.raises(ModelError, match="it is refused"):
        evaluate(box, tmp_path / "calls.sqlite", "a")
    assert len(box.refused) == 2
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert len(store) == 0


def test_unclear_refusal_after_answers_of_an_earlier_process_fails_that_question(tmp_path: Path) -> None:
    evaluate(Picky(lambda text: False), tmp_path / "calls.sqlite", "a")
    box = Picky(lambda text: text == "stone0", about_content=False)
    (result,) = evaluate(box, tmp_path / "calls.sqlite", "b")
    assert result.mean == 19 / 20
    assert box.refused == ["stone0"]


def test_function_that_raises_for_one_input_scores_0_there(tmp_path: Path) -> None:
    def shout(prompt: str) -> str:
        text = prompt.rpartition("|")[2]
        return {"stone4": text}[text] if text == "stone5" else text.upper()

    (result,) = evaluate(CallableBlackBox(shout, "here:shout"), tmp_path / "calls.sqlite", "a")
    assert result.mean == 19 / 20
    assert result.incomplete == (Incomplete(5, Finish.FAILED, "KeyError ('stone5')"),)


def test_answer_that_is_thoughts_alone_counts_as_empty(tmp_path: Path) -> None:
    box = ScriptedBlackBox(lambda prompt: "<think>It may be a stone.</think>\n" if "stone2" in prompt else "x")
    (result,) = evaluate(box, tmp_path / "calls.sqlite", "a")
    assert result.incomplete[0] == Incomplete(2, Finish.EMPTY)
    assert result.usage == Usage(20, 20, sum(len(said.split()) for said in result.predictions))
