"""The words of the sections about the result and about all instructions."""

import pytest

from instructzero.report.search_section import search
from instructzero.report.sections import instructions, result
from tests.report.conftest import embedded


@pytest.fixture
def data(finished):
    return embedded(finished / "report.html")


@pytest.mark.parametrize(("first", "is_said"), [([], True), (["best"], False)])
def test_table_says_how_the_best_instruction_was_selected_if_it_is_not_the_first(data, first, is_said):
    for place, row in enumerate(data["instructions"]):
        row |= {"roles": first if place == 0 else row["roles"], "confirmation": 0.5}
    assert ("by its validation and confirmation scores together" in instructions(data)) == is_said


@pytest.mark.parametrize(("on_request", "words"), [(True, "alone)"), (False, "alone, without a soft prompt)")])
def test_plain_instruction_of_a_writer_behind_an_api_has_no_word_of_soft_prompts(data, on_request, words):
    assert data["run"]["on_request"] is False
    data["run"]["on_request"] = on_request
    assert f"Plain instruction (written from the exemplars {words}" in result(data)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "Under one of them (a diamond), the first words of an earlier instruction were continued."),
        (2, "Under 2 of them (diamonds), the first words of earlier instructions were continued."),
    ],
)
def test_caption_of_the_map_counts_continuations(data, count, words):
    data["space"]["continued"] = count
    assert words in search(data)
