from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instructzero import optimize
from instructzero.errors import ConfigurationError
from instructzero.records.observers import Observer
from instructzero.search.diagnosis import look_at
from instructzero.tasks import get_metric
from instructzero.types import Evaluation, Example, Finish, Incomplete

COLOURS = [Example("grass", ("green",)), Example("sky", ("blue",)), Example("snow", ("white",))]
NAMES = [Example(name, (str(len(name)),)) for name in "Ada Bo Cleo Darya Edmund Fiorina Gwendoly".split()]
PAIRS = [(f"{name}{suffix}", str(len(name) + len(suffix))) for name in "Ada Bo Cleo".split() for suffix in "abcdefghij"]


def results(
    *answers: list[str], examples: list[Example] = COLOURS, metric: str = "exact_match"
) -> dict[str, Evaluation]:
    scorer = get_metric(metric)
    return {
        f"instruction {number}": Evaluation(
            tuple(scorer(text, example.outputs) for text, example in zip(texts, examples, strict=False)), tuple(texts)
        )
        for number, texts in enumerate(answers)
    }


def look(found: dict[str, Evaluation], examples: list[Example] = COLOURS, metric: str = "exact_match") -> str | None:
    return look_at(found, examples, get_metric(metric))


def test_scores_of_zero_show_three_questions_with_both_answers() -> None:
    said = ["It is green, I think", "blue in most places", "white as paper"]
    lines = (look(results(said, said, said)) or "").splitlines()
    assert lines[0] == "all 9 answers to the first 3 instructions scored 0 by exact_match"
    assert lines[1] == "  “grass”: expected “green”, got “It is green, I think”"
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("said", "examples", "expected"),
    [
        (
            ["It is green, I think", "blue in most places", "white as paper"],
            COLOURS,
            "--metric 'choice' accepts 9 of them",
        ),
        ([f"It has {len(e.input)} letters" for e in NAMES], NAMES, "--metric 'numeric' accepts 21 of them"),
        (["green or blue or white"] * 3, COLOURS, "--metric 'contains' accepts 9 of them"),
        (["red", "red", "red"], COLOURS, "No other metric accepts one of them"),
        (["", " ", "\n"], COLOURS, "Every answer is empty"),
    ],
)
def test_scores_of_zero_name_the_metric_that_accepts_the_answers(
    said: list[str], examples: list[Example], expected: str
) -> None:
    found = results(said, said, said, examples=examples)
    assert expected in (look(found, examples) or "").splitlines()[-1]


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        (Finish.EMPTY_AT_LIMIT, "raise --answer-tokens"),
        (Finish.FILTERED, "change the filter"),
        (Finish.REFUSED, "declined to answer"),
        (Finish.FAILED, "refused the questions"),
    ],
)
def test_answers_without_text_name_the_remedy_for_their_ending(finish: Finish, expected: str) -> None:
    incomplete = tuple(Incomplete(position, finish) for position in range(3))
    found = {name: replace(result, incomplete=incomplete) for name, result in results(*[[""] * 3] * 3).items()}
    assert expected in (look(found) or "").splitlines()[-1]


def test_scores_of_zero_name_the_last_line_if_only_that_is_right() -> None:
    said = ["blue? no.\nwhite? no.\ngreen", "green? no. white? no.\nblue", "blue, green\nwhite"]
    found = results(said, said, said)
    assert "of their last lines" in (look(found) or "")


def test_equal_scores_of_all_instructions_are_suspicious() -> None:
    said = ["green", "red", "white"]
    assert "the instruction makes no difference" in (look(results(said, said, said)) or "").lower()


def test_scores_that_differ_are_not_suspicious() -> None:
    assert look(results(["green", "red", "white"], ["green", "blue", "white"], ["red", "red", "white"])) is None


def test_scores_of_one_are_not_suspicious() -> None:
    said = ["green", "blue", "white"]
    assert look(results(said, said, said)) is None


def test_two_instructions_are_too_few_to_tell() -> None:
    assert look(results(["red"] * 3, ["red"] * 3)) is None


def test_shown_answers_have_no_control_characters_and_are_short() -> None:
    said = ["\x1b[31mred\x1b[0m " + "very " * 50] * 3
    lines = (look(results(said, said, said)) or "").splitlines()
    assert all("\x1b" not in line and len(line) < 200 for line in lines)


class Warned(Observer):
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.complete = 0

    def warned(self, message: str) -> None:
        self.messages.append(message)

    def was_complete(self) -> None:
        self.complete += 1


def wordy(prompt: str) -> str:
    name = prompt.rsplit("Input: ", 1)[1].split("\n")[0]
    return f"That makes {len(name)} in all"


MODELS: dict[str, Any] = {"writer": "embedded:writer", "blackbox": wordy}


def test_run_with_scores_of_zero_warns_once_and_goes_on(tmp_path: Path) -> None:
    seen = Warned()
    result = optimize(PAIRS, **MODELS, directory=tmp_path, observer=seen, evaluations=40)
    assert result.test_score == 0
    assert [message.splitlines()[0].split(" scored ")[1] for message in seen.messages] == ["0 by exact_match"]
    assert "numeric" in seen.messages[0]


def test_run_stops_after_the_first_round_if_asked_and_goes_on_when_repeated(tmp_path: Path) -> None:
    def run(observer: Observer) -> None:
        optimize(PAIRS, **MODELS, directory=tmp_path, observer=observer, evaluations=40, on_zero="stop")

    with pytest.raises(ConfigurationError, match="stopped after the first round") as caught:
        run(Observer())
    assert "--metric 'numeric' accepts" in str(caught.value)
    assert str(caught.value).endswith("run the same command again to go on all the same")
    assert not (tmp_path / "result.json").exists()
    run(Observer())
    assert (tmp_path / "result.json").exists()


def test_finished_run_that_is_repeated_says_that_nothing_was_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Warned()
    for _ in range(2):
        optimize(PAIRS, **MODELS, directory=tmp_path, observer=seen, evaluations=3, metric="numeric")
    assert seen.complete == 1
    optimize(PAIRS, **MODELS, directory=tmp_path, evaluations=3, metric="numeric")
    assert "complete already: nothing was asked" in caplog.text
