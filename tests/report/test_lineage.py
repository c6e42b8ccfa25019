"""Tests of the origin of the best instruction."""

import math
from dataclasses import replace

import pytest

from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.lineage import lineage_of
from instructzero.report.source import read_source
from instructzero.types import Candidate, Proposal, Rewrite


@pytest.fixture
def source(finished):
    return read_source(finished)


def with_best(source, text):
    return replace(source, result={**source.result, "instruction": text})


def test_lineage_of_soft_prompt_lists_nearest_earlier_ones(source):
    late = next(trial for trial in source.history.trials if trial.round > 0)
    numbers = numbers_of(rows_of(source))
    line = lineage_of(with_best(source, late.instruction), numbers)
    first = next(made for made in source.candidates if made[1].instruction == late.instruction)
    assert line["round"] == first[0]
    distances = [relative["distance"] for relative in line["relatives"]]
    assert distances == sorted(distances)
    if first[0]:
        earlier = [trial for trial in source.history.trials if trial.round < first[0]]
        assert distances[0] == min(math.dist(first[1].proposal.z, trial.proposal.z) for trial in earlier)


@pytest.mark.parametrize("role", ["plain", "baseline"])
def test_lineage_of_reference_instruction_has_no_soft_prompt(source, role):
    text = source.references[role]
    assert lineage_of(with_best(source, text), {text: 3}) == {"kind": role, "row": 3}


def rewritten(source, rewrite, rewriter):
    """Return the run with one more round, in which the best instruction was made from others."""
    history = source.history
    last = history.rounds[-1]
    made = Candidate(Proposal((0.0,) * 10, rewrite), last.candidates[0].writing)
    made = replace(made, writing=replace(made.writing, instruction="a new one"))
    history = replace(history, rounds=[*history.rounds, replace(last, number=last.number + 1, candidates=(made,))])
    settings = source.settings.model_copy(update={"rewriter": rewriter})
    return replace(with_best(source, "a new one"), history=history, settings=settings)


def test_lineage_of_blackbox_rewrite_lists_quoted_instructions(source):
    first, second = list(dict.fromkeys(trial.instruction for trial in source.history.trials))[:2]
    rewrite = Rewrite(f"Cross these.\n1: {first}\n2: {second}", "", 0)
    numbers = numbers_of(rows_of(source))
    line = lineage_of(rewritten(source, rewrite, "blackbox"), {**numbers, "a new one": 99})
    assert line["request"] == rewrite.prompt
    assert {relative["row"] for relative in line["relatives"]} == {numbers[first], numbers[second]}


def test_lineage_of_writer_rewrite_lists_continued_instructions(source):
    text = source.history.trials[0].instruction
    start = " ".join(text.split()[:2])
    numbers = numbers_of(rows_of(source))
    line = lineage_of(rewritten(source, Rewrite("", start, 0), "writer"), {**numbers, "a new one": 99})
    parents = {trial.instruction for trial in source.history.trials if trial.instruction.startswith(start)}
    assert line["start"] == start
    assert {relative["row"] for relative in line["relatives"]} <= {numbers[parent] for parent in parents}
    assert numbers[text] in {relative["row"] for relative in line["relatives"]}
