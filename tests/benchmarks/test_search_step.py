"""The step of the default method runs on the benchmark's data."""

import numpy as np

from benchmarks.search_step import EXAMPLES, reading_step, trials


def test_step_of_default_method_is_measured():
    assert reading_step(25, 1) > 0


def test_a_third_of_the_texts_is_scored_completely():
    made = trials(30, np.random.default_rng(0))
    assert sum(trial.evaluation.is_complete(EXAMPLES) for trial in made) == 10
    assert len({trial.instruction for trial in made}) > 20
