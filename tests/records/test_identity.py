"""The identity of a run: a change of data, model or prompt is refused when the run is resumed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero import prompts
from instructzero.errors import RunDirectoryError
from instructzero.prompts import PromptTemplate
from instructzero.records.identity import difference
from instructzero.records.journal import Journal
from instructzero.types import Example, Message

LONG = "word " * 300


def render_in_other_words(
    template: PromptTemplate, exemplars: Sequence[Example] = ()
) -> Callable[[str, Example], tuple[Message, ...]]:
    """Ask like ``template``, with another word before the answer."""
    render = prompts.renderer(template, exemplars)

    def other(instruction: str, example: Example) -> tuple[Message, ...]:
        (message,) = render(instruction, example)
        return (Message("user", message.content.replace("Output:", "Answer:")),)

    return other


def test_difference_of_equal_headers_is_none() -> None:
    header = {"task": "words", "prompts": {"writer": "a"}, "writer": {"model": "m"}}
    assert difference(header, dict(header)) is None


def test_difference_names_the_field_with_both_values() -> None:
    assert difference({"task": "words"}, {"task": "sum"}) == "task ('words', now 'sum')"


def test_difference_of_a_functions_code_is_said_in_words() -> None:
    recorded, current = ({"blackbox": {"backend": "python", "function": "ask", "code": code}} for code in "ab")
    assert difference(recorded, current) == "code of the function ask"


def test_changed_function_is_another_run(tmp_path: Path) -> None:
    pairs = [(f"{number} + 1", str(number + 1)) for number in range(20)]

    def ask(prompt: str) -> str:
        return "?"

    instructzero.optimize(pairs, writer="embedded:writer", blackbox=ask, evaluations=2, directory=tmp_path)

    def ask(prompt: str) -> str:  # type: ignore[no-redef]  # the fixed cell of a notebook
        return str(eval(prompt.rsplit("Input: ", 1)[1].split("\n")[0]))

    with pytest.raises(RunDirectoryError, match=r"another code of the function .*ask"):
        instructzero.optimize(pairs, writer="embedded:writer", blackbox=ask, evaluations=2, directory=tmp_path)


def test_changed_metric_is_another_run(
    scripted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for value, refused in (("1.0", False), ("1.0  # the same", False), ("0.5", True)):
        Path("my_scores.py").write_text(f"def score(prediction, answers):\n    return {value}\n")
        sys.modules.pop("my_scores", None)
        with pytest.raises(RunDirectoryError, match="code of the metric my_scores:score") if refused else nullcontext():
            instructzero.optimize(**scripted, metric="my_scores:score", directory=tmp_path / "run")


def test_difference_of_prompts_names_the_role_and_shows_a_short_excerpt() -> None:
    recorded = {"prompts": {"black box": "same", "judge": f"{LONG} old {LONG}"}}
    current = {"prompts": {"black box": "same", "judge": f"{LONG} new {LONG}"}}
    found = difference(recorded, current)
    assert found is not None
    assert found.startswith("prompt for the judge ('…")
    assert " old " in found
    assert " new " in found
    assert len(found) < 250


def test_difference_of_a_longer_prompt_shows_the_addition() -> None:
    found = difference({"prompts": {"writer": "abc"}}, {"prompts": {"writer": "abcdef"}})
    assert found == "prompt for the writer ('abc', now 'abcdef')"


def test_header_holds_the_wording_of_the_prompts_and_no_example(scripted: dict[str, Any], tmp_path: Path) -> None:
    instructzero.optimize(**scripted, shots=2, directory=tmp_path / "run")
    header = Journal(tmp_path / "run" / "journal.jsonl").history.header
    assert header is not None
    assert header["prompts"]["black box"] == (
        "user: Instruction: {instruction}\n\n"
        "Input: {exemplar input}\n\nOutput: {exemplar output}\n\n"
        "Input: {exemplar input}\n\nOutput: {exemplar output}\n\n"
        "Input: {input}\n\nOutput:"
    )
    assert prompts.SOFT_PROMPT_MARK in header["prompts"]["writer"]
    assert "apple" not in str(header)


def test_header_holds_the_wording_of_the_judge(scripted: dict[str, Any], tmp_path: Path) -> None:
    instructzero.optimize(**scripted, metric="judge", judge="scripted:echo", directory=tmp_path / "run")
    header = Journal(tmp_path / "run" / "journal.jsonl").history.header
    assert header is not None
    assert "{answer}" in header["prompts"]["judge"]


def test_resume_with_a_changed_prompt_is_refused_in_one_sentence(
    scripted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instructzero.optimize(**scripted, directory=tmp_path / "run")
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    monkeypatch.setattr("instructzero.build.renderer", render_in_other_words)
    with pytest.raises(RunDirectoryError) as refused:
        instructzero.resume(tmp_path / "run")
    message = str(refused.value)
    assert "was begun with another prompt for the black box" in message
    assert "Answer:" in message
    assert len(message) < 500
    assert "\n" not in message
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


def test_resume_with_a_changed_prompt_exits_with_2(
    command_line: Callable[..., tuple[int, str, str]], scripted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    instructzero.optimize(**scripted, directory="run")
    monkeypatch.setattr("instructzero.build.renderer", render_in_other_words)
    code, _, err = command_line("resume", "run")
    assert code == 2
    assert "another prompt for the black box" in " ".join(err.split())
    assert "Traceback" not in err


def test_header_holds_the_wording_of_requests_that_the_black_box_is_paid_for(
    scripted: dict[str, Any], tmp_path: Path
) -> None:
    instructzero.optimize(**scripted, method="capo", rewriter="blackbox", directory=tmp_path / "paid")
    instructzero.optimize(**scripted, method="capo", directory=tmp_path / "free")
    paid, free = (Journal(tmp_path / name / "journal.jsonl").history.header or {} for name in ("paid", "free"))
    assert {"rewriter (guess)", "rewriter (merge)"} <= paid["prompts"].keys()
    assert "{demonstrations}" in paid["prompts"]["rewriter (guess)"]
    assert not any(role.startswith("rewriter") for role in free["prompts"])
