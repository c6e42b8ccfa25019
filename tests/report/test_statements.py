"""Tests of the sentences of the report."""

from dataclasses import replace

import pytest

from instructzero.report.source import read_source
from instructzero.report.statements import _likeliness, comparisons, ending, reproduction, verdict


def compared(finished, difference, low, high):
    source = read_source(finished)
    test = {"difference": difference, "low": low, "high": high, "p_value": 0.5}
    return replace(source, result={**source.result, "comparisons": {"plain": test}})


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0.3, 0.1, 0.5), "0.300 higher than the plain instruction on unseen test examples"),
        ((-0.3, -0.5, -0.1), "0.300 lower than the plain instruction on unseen test examples"),
        ((0.1, -0.1, 0.3), "(+0.100) is within noise"),
    ],
)
def test_verdict_follows_interval(finished, numbers, said):
    assert said in verdict(compared(finished, *numbers))


def test_verdict_without_comparison_says_nothing_better_found(finished):
    source = read_source(finished)
    source = replace(source, result={**source.result, "comparisons": {}})
    assert "no instruction better than the plain instruction" in verdict(source)


def test_comparison_states_test_and_counts(finished):
    source = compared(finished, 0.3, 0.1, 0.5)
    duels = {"plain": {"wins": 30, "losses": 2, "ties": 1}}
    (said,) = comparisons(source, {"parts": [{"name": "test", "duels": duels}]})
    assert "difference +0.300, 95 % interval +0.100 to +0.500" in said
    assert "p = 0.5" in said
    assert "scores higher on 30 of these examples, lower on 2 and the same on 1" in said


@pytest.mark.parametrize(("p", "said"), [(1e-9, "almost never"), (0.04, "4 times in 100"), (1.0, "always")])
def test_likeliness_states_p_value_as_frequency(p, said):
    assert said in _likeliness(p)


def test_ending_states_number_of_evaluations(finished):
    source = read_source(finished)
    done = len(source.history.trials)
    more = source.settings.model_copy(update={"evaluations": done + 5})
    assert "All" in ending(replace(source, settings=source.settings.model_copy(update={"evaluations": done})))
    assert "so far" in ending(replace(source, settings=more, result=None))
    assert f"{done} of {done + 5}" in ending(replace(source, settings=more))


def test_reproduction_of_python_objects_gives_no_command():
    assert reproduction({"writer": "hf:a", "blackbox": "openai:m"}).endswith(":")
    assert "blackbox of this run was a Python object" in reproduction({"writer": "hf:a", "blackbox": "object:B"})
    rows = reproduction({"writer": "hf:a", "blackbox": "openai:m"}, rows=True)
    assert rows == "The examples of this run were given in Python. To repeat the run, start the same program again."
