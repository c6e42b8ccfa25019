"""The chain of texts to the best instruction of a writer behind an API, with the requests that led to them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import instructzero
from instructzero.report.chain import chain_of
from instructzero.report.data import collect
from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.lineage_section import lineage
from instructzero.report.source import Source, read_source
from instructzero.testing import Endpoint
from tests.report.conftest import NASTY, WORDS

TOP = 3
REMARK = f"Level too low. {NASTY[0]}"


def written(level: int) -> str:
    return f"Turn the word round at level {level}."


def reply(prompt: str) -> str:
    """Answer as a writer, whose texts improve by one level if failures are shown, or as a black box of that level."""
    if "<prompt>" in prompt:
        if "These answers of it were wrong" not in prompt:
            return f"<prompt>{written(1)}</prompt>"
        level = int(re.findall(r"level (\d)", prompt)[0])
        return f"{REMARK}\n<prompt>{written(min(level + 1, TOP))}</prompt>"
    word = prompt.rpartition("Input: ")[2].split("\n")[0]
    level = int((re.findall(r"level (\d)", prompt) or ["0"])[0])
    return word[::-1] if sum(map(ord, word)) % TOP < level else "no"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A finished run in which the best instruction is the improvement of an improvement."""
    directory = tmp_path_factory.mktemp("levels") / "run"
    rows = directory.with_name("words.jsonl")
    words = [f"{word}{more}" for word in WORDS for more in ("s", "ed")]
    rows.write_text("".join(json.dumps({"input": word, "output": word[::-1]}) + "\n" for word in words))
    with Endpoint(reply) as endpoint:
        instructzero.optimize(
            rows,
            writer="openai:demo",
            blackbox="openai:demo",
            base_url=endpoint.base_url,
            evaluations=12,
            validation=12,
            confirmation=0,
            test=6,
            directory=directory,
        )
    return read_source(directory)


def test_chain_leads_from_the_exemplars_to_the_best_instruction(source: Source) -> None:
    rows = rows_of(source)
    chain = chain_of(source, numbers_of(rows))
    assert [rows[step["row"]]["text"] for step in chain["steps"]] == [written(level) for level in (1, 2, 3)]
    assert [step["kind"] for step in chain["steps"]] == ["from exemplars", "from failures", "from failures"]
    assert chain["length"] == 3
    rounds = [step["round"] for step in chain["steps"]]
    assert rounds == sorted(set(rounds))


def test_steps_have_the_failures_and_the_reflection_that_led_to_them(source: Source) -> None:
    first, *others = chain_of(source, numbers_of(rows_of(source)))["steps"]
    assert (first["wrong"], first["right"]) == ([], [])
    for step in others:
        assert step["answer"].startswith(REMARK)
        assert step["wrong"]
        assert all(answer in step["request"] for answer in (*step["wrong"], *step["right"]))
        for answer in step["wrong"]:
            word = answer.splitlines()[0].removeprefix("Input: ")
            assert answer == f"Input: {word}\nExpected: {word[::-1]}\nAnswer: no"
        for answer in step["right"]:
            word = answer.splitlines()[0].removeprefix("Input: ")
            assert answer.endswith(f"Answer: {word[::-1]}")


def test_page_shows_every_step_with_its_request_escaped(source: Source) -> None:
    data = collect(source)
    page = lineage(data)
    assert page.count("<summary>The whole request</summary>") == 3
    assert page.count("The answers shown to the writer") == 2
    assert "guessed from the exemplars" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_request_of_another_method_has_no_known_kind(source: Source) -> None:
    other = replace(source, settings=source.settings.model_copy(update={"method": "ape"}))
    chain = chain_of(other, numbers_of(rows_of(other)))
    assert [step["kind"] for step in chain["steps"]] == ["guess", None, None]


def test_soft_prompt_has_a_chain_of_one_step_that_the_page_leaves_out(finished: Path) -> None:
    source = read_source(finished)
    text = next(trial.instruction for trial in source.history.trials if trial.proposal.rewrite is None)
    source = replace(source, result={**source.result, "instruction": text})
    data = collect(source)
    (step,) = data["chain"]["steps"]
    assert step["origin"] == "soft prompt"
    assert "How it came about" not in lineage(data)
