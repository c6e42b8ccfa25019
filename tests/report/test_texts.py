"""The map of the instructions by their wording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from instructzero.optimizers.word_features import Vocabulary
from instructzero.report import texts as module
from instructzero.report.instructions import numbers_of, rows_of
from instructzero.report.source import Source, read_source
from instructzero.report.space import principal_components
from instructzero.report.texts import components_of, similarities, texts_of
from tests.report.conftest import NASTY

TEXTS = ["Sort the words.", "Sort the letters of the word!", "", "Write it.", "sort the words", *NASTY]


@pytest.fixture(scope="module")
def source(finished: Path) -> Source:
    return read_source(finished)


def test_similarities_are_those_of_the_features_of_the_surrogate() -> None:
    features = Vocabulary(TEXTS).features(TEXTS).numpy()
    assert similarities(TEXTS) == pytest.approx(features @ features.T)


def test_components_are_the_principal_components_of_the_features() -> None:
    features = Vocabulary(TEXTS).features(TEXTS).numpy()
    places, explained = components_of(features @ features.T)
    expected, shares = principal_components(features)
    assert explained == pytest.approx(shares)
    assert np.abs(places[:, :2]) == pytest.approx(np.abs(expected), abs=1e-9)
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    assert np.linalg.norm(places[:, None] - places[None], axis=2) == pytest.approx(distances, abs=1e-6)


def test_map_has_every_instruction_once_with_its_origin(source: Source) -> None:
    numbers = numbers_of(rows_of(source))
    found = texts_of(source, numbers)
    assert sorted(point["row"] for point in found["points"]) == sorted(numbers.values())
    assert found["evaluated"] == len(source.known)
    assert found["read"]
    names = {number: text for text, number in numbers.items()}
    origins = {names[point["row"]]: point["origin"] for point in found["points"]}
    assert origins[source.references["plain"]] == "plain"
    assert origins["repeat the input"] == "own"
    for trial in reversed(source.history.trials):
        if trial.instruction not in source.references.values():
            expected = "continuation" if trial.proposal.rewrite and trial.proposal.rewrite.start else "soft prompt"
            first = next(one for one in source.history.trials if one.instruction == trial.instruction)
            if first is trial:
                assert origins[trial.instruction] == expected


def test_texts_on_request_are_on_the_map_too(source: Source) -> None:
    settings = source.settings.model_copy(update={"rewriter": "blackbox"})
    numbers = numbers_of(rows_of(source))
    origins = [point["origin"] for point in texts_of(replace(source, settings=settings), numbers)["points"]]
    assert "request" in origins
    assert "continuation" not in origins
    assert len(origins) == len(source.known)


def test_thinned_map_keeps_the_best_and_the_references(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TEXTS", 3)
    numbers = numbers_of(rows_of(source))
    found = texts_of(source, numbers)
    rows = {point["row"] for point in found["points"]}
    assert {numbers[text] for text in (source.best, *source.references.values()) if text is not None} <= rows
    assert 3 <= len(rows) <= 6 < found["evaluated"]


def test_two_instructions_give_a_note(source: Source) -> None:
    history = replace(source.history, trials=source.history.trials[:1], baseline=None)
    assert set(texts_of(replace(source, history=history, result=None), {})) == {"note"}
