"""The examples that ask a stand-in on this machine find a better instruction, with the commands of their README."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from instructzero.tasks.metrics.choice import METRIC as CHOICE
from tests.command_line import Call
from tests.docs.blocks import DOCS
from tests.examples.walkthrough import EXAMPLES, commands, walk

NAMES = ("sentiment", "extraction", "sums", "multilingual")


def test_sentiment_weighs_rare_labels_as_much_as_common_ones(command_line: Call, tmp_path: Path) -> None:
    with (EXAMPLES / "sentiment" / "reviews.csv").open(encoding="utf-8", newline="") as file:
        counts = Counter(row["label"] for row in csv.DictReader(file))
    assert counts == {"positive": 130, "neutral": 26, "negative": 24}  # as the README says
    walked = walk("sentiment", command_line, tmp_path)
    assert "polite complaint" in walked.run.instruction
    assert walked.score > 0.9
    assert walked.gain > 0.3
    assert Path("runs/sentiment/report.html").exists()


def test_extraction_scores_the_fields_of_nested_objects(command_line: Call, tmp_path: Path) -> None:
    walked = walk("extraction", command_line, tmp_path)
    assert "currencies as codes" in walked.run.instruction
    assert walked.score == 1
    assert 0 < walked.gain < 1  # a part of the fields was right before
    assert "number" in Path("extract.py").read_text(encoding="utf-8")


def test_sums_are_read_behind_thoughts_which_are_billed(command_line: Call, tmp_path: Path) -> None:
    walked = walk("sums", command_line, tmp_path)
    assert "step by step" in walked.run.instruction
    assert walked.score == 1
    asked = [body for body in walked.endpoint.bodies if "<prompt>" not in json.dumps(body)]
    assert {(body["reasoning_effort"], body["max_tokens"]) for body in asked} == {("low", 2000)}
    usage = walked.run.record["usage"]
    assert usage["completion_tokens"] >= 22 * usage["calls"]  # the thoughts are counted
    assert walked.run.dollars() == pytest.approx(dollars(walked.run.record["spent"]))


def dollars(spent: dict[str, dict[str, int]]) -> float:
    """Return the cost at the prices of the README: 1 and 4 dollars for a million tokens; the writer has the same."""
    prompt, completion = (sum(usage[f"{kind}_tokens"] for usage in spent.values()) for kind in ("prompt", "completion"))
    return (prompt + 4 * completion) / 1e6


def test_multilingual_labels_are_found_in_seven_scripts(command_line: Call, tmp_path: Path) -> None:
    walked = walk("multilingual", command_line, tmp_path)
    assert "language of the message" in walked.run.instruction
    assert walked.score == 1
    assert 0.6 < walked.gain < 1  # English was right before


def test_labels_of_the_multilingual_readme_are_those_of_the_data() -> None:
    readme = (EXAMPLES / "multilingual" / "README.md").read_text(encoding="utf-8")
    with (EXAMPLES / "multilingual" / "messages.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["label"] for row in csv.DictReader(file)}
    assert len(labels) == 14
    metric = CHOICE.parse("choice", "|".join(sorted(labels)))
    for label in labels:
        assert metric(f"{label}。", [label]) == 1
    named = set(re.findall(r"`(\w+)`", readme.partition("language of the message:")[2].partition(". The metric")[0]))
    assert len(named & labels) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_command_for_a_real_model_differs_in_models_and_limits_only(name: str) -> None:
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    (first, *_) = commands(readme)
    assert first[0] == "run"
    real = readme.partition("With a real model")[2]
    assert "--blackbox openai:" in real
    assert "--max-usd" in real


def test_gallery_names_every_example() -> None:
    gallery = (DOCS / "how-to" / "examples.md").read_text(encoding="utf-8")
    names = {path.name for path in EXAMPLES.iterdir() if path.name not in ("serve.py", "__pycache__", "runs")}
    assert {name for name in names if f"examples/{name}" not in gallery} == set()
