"""What the numbers say, in sentences."""

from dataclasses import replace

import pytest

from instructzero.report.source import read_source
from instructzero.report.words import _likeliness, comparisons, ending, reproduction, verdict


def compared(finished, difference, low, high):
    source = read_source(finished)
    test = {"difference": difference, "low": low, "high": high, "p_value": 0.5}
    return replace(source, result={**source.result, "comparisons": {"plain": test}})


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0.3, 0.1, 0.5), "0.300 more than the plain one"),
        ((-0.3, -0.5, -0.1), "0.300 less than the plain one"),
        ((0.1, -0.1, 0.3), "(+0.100) is within noise"),
    ],
)
def test_the_verdict_follows_the_interval(finished, numbers, said):
    assert said in verdict(compared(finished, *numbers))


def test_without_a_rival_nothing_better_was_found(finished):
    source = read_source(finished)
    assert "no instruction that is better" in verdict(replace(source, result={**source.result, "comparisons": {}}))


def test_a_comparison_has_the_test_and_the_counts(finished):
    source = compared(finished, 0.3, 0.1, 0.5)
    duels = {"plain": {"wins": 30, "losses": 2, "ties": 1}}
    (said,) = comparisons(source, {"parts": [{"name": "test", "duels": duels}]})
    assert "+0.300, 95 % interval +0.100 to +0.500" in said
    assert "p = 0.5" in said
    assert "better on 30 of these, worse on 2 and the same on 1" in said


@pytest.mark.parametrize(("p", "said"), [(1e-9, "hardly ever"), (0.04, "4 times in 100"), (1.0, "always")])
def test_a_p_value_is_said_as_what_chance_would_do(p, said):
    assert said in _likeliness(p)


def test_the_end_says_how_much_was_done(finished):
    source = read_source(finished)
    done = len(source.history.trials)
    more = source.settings.model_copy(update={"evaluations": done + 5})
    assert "All" in ending(replace(source, settings=source.settings.model_copy(update={"evaluations": done})))
    assert "so far" in ending(replace(source, settings=more, result=None))
    assert f"{done} of {done + 5}" in ending(replace(source, settings=more))


def test_a_run_of_python_objects_is_not_a_command():
    assert reproduction({"writer": "hf:a", "blackbox": "openai:m"}).endswith(":")
    assert "blackbox of this run was a Python object" in reproduction({"writer": "hf:a", "blackbox": "object:B"})
