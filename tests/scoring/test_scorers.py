"""From an answer to a score: by a metric, a judge, or a likelihood."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker
from instructzero.calls.store import CallStore
from instructzero.errors import EndpointError, TaskError
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.scoring.evaluator import Evaluator
from instructzero.scoring.judge import JudgeMetric
from instructzero.scoring.scorers import JudgeScorer, LikelihoodScorer, MetricScorer, Scorer
from instructzero.types import Completion, Evaluation, Example, Message, Usage

EXAMPLES = [Example("cat", ("chat", "le chat")), Example("dog", ("chien",))]


def render(instruction: str, text: str) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{text}"),)


def score(scorer: Scorer, prediction: str, example: Example = EXAMPLES[0]) -> float:
    async def scoring() -> float:
        try:
            return await scorer.score(example, prediction)
        finally:
            await scorer.close()

    return asyncio.run(scoring())


def test_a_metric_sees_the_prediction_and_all_accepted_answers() -> None:
    seen: list[object] = []

    def metric(*values: object) -> float:
        seen.append(values)
        return 0.25

    assert score(MetricScorer(metric), "x") == 0.25
    assert seen == [("x", ("chat", "le chat"))]


@pytest.mark.parametrize("value", [True, 1, 0])
def test_a_metric_may_answer_in_any_number(value: float) -> None:
    assert score(MetricScorer(lambda *_: value), "x") == float(value)


@pytest.mark.parametrize("value", [None, float("nan"), 1.01, -1, "1", [1]])
def test_a_metric_that_gives_no_score_is_told_with_the_input(value: object) -> None:
    with pytest.raises(TaskError, match=r"expected a score in \[0, 1\] from the metric, got .* for the input 'cat'"):
        score(MetricScorer(lambda *_: value), "x")  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("text", ["0.0", "0.375", "1.0"])
def test_a_likelihood_is_the_score_itself(text: str) -> None:
    assert score(LikelihoodScorer(), text) == float(text)


class Court:
    """A black box and a judge, both scripted, over one store."""

    def __init__(self, folder: Path, grade: Callable[[str], str], **judge: int) -> None:
        self.box = ScriptedBlackBox(lambda prompt: {"cat": "chat", "dog": "dog"}[prompt.rpartition("|")[2]])
        self.grader = ScriptedBlackBox(grade, name="judge", **judge)
        self.heard: list[tuple[str, bool]] = []
        self.store = CallStore(folder / "calls.sqlite")
        scorer = JudgeScorer(
            JudgeMetric("Is it French?"),
            Answers(Asker.of(self.grader), self.store, run="r", role="judge"),
            self._hear,
        )
        self.evaluator = Evaluator(Answers(Asker.of(self.box), self.store, run="r"), self.store, scorer, render=render)

    def _hear(self, completion: Completion, cached: bool) -> None:
        self.heard.append((completion.text, cached))

    def __enter__(self) -> Court:
        return self

    def __exit__(self, *_: object) -> None:
        self.evaluator.close()

    def score(self) -> Evaluation:
        (result,) = self.evaluator.evaluate(["Translate."], EXAMPLES)
        return result


def french(prompt: str) -> str:
    assert "Is it French?" in prompt
    answer = prompt.partition("<answer to grade")[2].partition("\n")[2]
    return "Grade: 9" if answer.startswith(("chat", "chien")) else "Grade: 2"


def test_a_judges_grade_is_the_score_and_the_answer_stays_the_prediction(tmp_path: Path) -> None:
    with Court(tmp_path, french) as court:
        result = court.score()
    assert result.scores == (0.9, 0.2)
    assert result.predictions == ("chat", "dog")
    assert result.usage == Usage(2, 2, 2)  # of the black box


def test_grades_are_kept_and_a_second_run_pays_no_judge(tmp_path: Path) -> None:
    with Court(tmp_path, french) as court:
        first = court.score()
        assert sorted(court.heard) == [("Grade: 2", False), ("Grade: 9", False)]
    with Court(tmp_path, french) as again:
        assert again.score() == first
        assert (again.box.calls.total(), again.grader.calls.total()) == (0, 0)
        assert sorted(again.heard) == [("Grade: 2", True), ("Grade: 9", True)]


def test_the_judge_is_booked_apart(tmp_path: Path) -> None:
    with Court(tmp_path, french) as court:
        court.score()
        spent = court.store.spent("r")
    assert spent["black box"] == Usage(2, 2, 2)
    assert spent["judge"].calls == 2
    assert spent["judge"].prompt_tokens > 50


@pytest.mark.parametrize("reply", ["", "I cannot say.", "Grade: 11", "-3"])
def test_a_reply_without_a_grade_scores_nothing(tmp_path: Path, reply: str) -> None:
    with Court(tmp_path, lambda _: reply) as court:
        assert court.score().scores == (0.0, 0.0)


def test_equal_answers_to_equal_questions_are_graded_once(tmp_path: Path) -> None:
    with Court(tmp_path, french) as court:
        list(court.evaluator.evaluate(["Translate.", "Say it in French."], EXAMPLES))
        assert court.box.calls.total() == 4
        assert court.grader.calls.total() == 2
        assert [cached for _, cached in court.heard].count(False) == 2


def test_a_judge_that_breaks_down_stops_the_run_and_the_answers_are_kept(tmp_path: Path) -> None:
    with Court(tmp_path, french, fail_after=1) as court, pytest.raises(EndpointError, match="broke down"):
        court.score()
    with Court(tmp_path, french) as mended:
        assert mended.score().scores == (0.9, 0.2)
        assert court.grader.calls.total() + mended.grader.calls.total() == 2
        assert court.box.calls.total() + mended.box.calls.total() == 2
