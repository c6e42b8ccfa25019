"""The contract of `Optimizer`, checked for every built-in method."""

import itertools
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.optimizers import PAPER, REPAIRED, InstructZero, Uniform
from instructzero.optimizers.methods.ape import Ape
from instructzero.optimizers.methods.capo import Capo
from instructzero.optimizers.methods.dro import DistributionallyRobust
from instructzero.optimizers.methods.evoprompt_de import DifferentialEvolution
from instructzero.optimizers.methods.evoprompt_ga import GeneticAlgorithm
from instructzero.optimizers.methods.instinct import Instinct
from instructzero.optimizers.methods.opro import Opro
from instructzero.optimizers.methods.presto import Presto
from instructzero.optimizers.methods.reflect import Reflect
from instructzero.optimizers.methods.zopo import Zopo
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.requested import Requested
from instructzero.optimizers.sources import SoftPrompts
from instructzero.registry import METHODS
from instructzero.types import Candidate, Evaluation, Example, Proposal, Trial, Writing

DIMENSION = 4
SMALL = {"initial": 6, "batch": 5, "population": 8, "generations": 3}
SHOWN = "Input: hot\nOutput: cold"
LAYER = torch.randn(DIMENSION, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def represent(points):
    """Return representations of points, as a writer has them before it writes."""
    return torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER)


POOLED = {"dimension": DIMENSION, "represent": represent, "initial": 6, "batch": 5}
POPULATION = {"dimension": DIMENSION, "demonstrations": SHOWN, "population": 6}
ASKING = {
    "demonstrations": SHOWN,
    "description": "Opposites.",
    "examples": tuple(Example(f"word {number}", ("answer",)) for number in range(8)),
}
MAKERS = {
    "instructzero": lambda seed: ReadingInstructZero(
        SoftPrompts(dimension=DIMENSION, seed=seed, batch=5), seed=seed, initial=6, batch=5
    ),
    "paper": lambda seed: InstructZero(dimension=DIMENSION, seed=seed, options=replace(PAPER, **SMALL)),
    "uniform": lambda seed: Uniform(dimension=DIMENSION, seed=seed, batch=5),
    "ape": lambda seed: Ape(dimension=DIMENSION, seed=seed, demonstrations=SHOWN, initial=6, batch=5),
    "opro": lambda seed: Opro(dimension=DIMENSION, seed=seed, demonstrations=SHOWN, initial=6, batch=5),
    "evoprompt-ga": lambda seed: GeneticAlgorithm(seed=seed, **POPULATION),
    "evoprompt-de": lambda seed: DifferentialEvolution(seed=seed, **POPULATION),
    "capo": lambda seed: Capo(seed=seed, **POPULATION),
    "instinct": lambda seed: Instinct(seed=seed, **POOLED),
    "presto": lambda seed: Presto(seed=seed, **POOLED),
    "zopo": lambda seed: Zopo(seed=seed, **POOLED),
    "dro": lambda seed: DistributionallyRobust(dimension=DIMENSION, seed=seed, options=replace(REPAIRED, **SMALL)),
    "reflect": lambda seed: Reflect(dimension=DIMENSION, seed=seed, initial=6, batch=5, **ASKING),
}
WITHOUT_SOFT_PROMPTS = {
    "instructzero, by requests": lambda seed: ReadingInstructZero(
        Requested(batch=5, **ASKING), seed=seed, initial=6, batch=5, thrifty=True
    ),
}
ALL = {**MAKERS, **WITHOUT_SOFT_PROMPTS}


@pytest.fixture(params=ALL)
def make(request):
    return ALL[request.param]


def informative(z):
    """Return scores on 8 examples that increase with the first coordinate."""
    return tuple(float(z[0] > threshold) for threshold in np.linspace(-0.9, 0.9, 8))


def text_for(proposal):
    """Return the text of a proposal: many points give one text, and a beginning is continued.

    A text that no point leads to depends on the request and the number of the text in its answer.
    """
    if proposal.z is None:
        return " ".join(map(str, np.random.default_rng(zlib.crc32(repr(proposal).encode())).integers(-3, 4, DIMENSION)))
    words = [str(round(3 * value)) for value in proposal.z]
    start = proposal.rewrite.start.split() if proposal.rewrite else []
    return " ".join([*start, *words[len(start) :]])


def is_in_the_box(proposal):
    """Return True if the proposal has a point in the box, or none because its text is requested."""
    if proposal.z is None:
        return proposal.rewrite is not None
    return len(proposal.z) == DIMENSION and max(map(abs, proposal.z)) <= 1


def written(proposals):
    return [Candidate(proposal, Writing(text_for(proposal), text_for(proposal))) for proposal in proposals]


def play_round(optimizer, trials, limit=100, scores=informative):
    """Play one round: ask, write, choose, evaluate, tell. Return the new trials and the candidates not chosen."""
    new, unpaid = evaluated_round(optimizer, trials, limit, scores)
    optimizer.tell(new, unpaid)
    return new, unpaid


def evaluated_round(optimizer, trials, limit=100, scores=informative):
    """Return the new trials of a round and the candidates not chosen, before the optimizer receives them."""
    candidates = written(optimizer.ask(limit))
    chosen = optimizer.choose(candidates, limit)
    new = [
        Trial(
            len(trials) + index,
            0,
            candidates[position].proposal,
            candidates[position].writing,
            evaluate(scores, candidate),
        )
        for index, (position, candidate) in enumerate((position, candidates[position]) for position in chosen)
    ]
    return new, [candidate for position, candidate in enumerate(candidates) if position not in chosen]


def evaluate(scores, candidate):
    z = [float(part) / 3 for part in candidate.instruction.split()]
    return Evaluation(scores(z), ("",) * 8)


def run(optimizer, rounds=4, limit=100, scores=informative, starts=()):
    """Return all trials of a few rounds, and all candidates not chosen."""
    trials, unpaid = started(optimizer, starts, scores) if starts else [], []
    for _ in range(rounds):
        new, others = play_round(optimizer, trials, limit, scores)
        trials += new
        unpaid += others
    return trials, unpaid


STARTS = ("3 3 -3 3", "-3 3\n\n3 3", "3 -3 -3 3")
"""Instructions of the user's; the second has line breaks."""


def started(optimizer, texts=STARTS, scores=informative):
    """Give the optimizer the trials of the user's instructions, as a run does before its first round."""
    trials = [
        Trial(number, 0, Proposal(None, given=text), Writing(text, text), evaluate(scores, Writing(text, text)))
        for number, text in enumerate(texts)
    ]
    optimizer.tell(trials)
    return trials


def test_every_built_in_method_is_checked():
    assert MAKERS.keys() == set(METHODS.own)


def test_ask_changes_no_state(make):
    optimizer = make(0)
    run(optimizer, rounds=2)
    assert optimizer.ask(5) == optimizer.ask(5)


def test_run_depends_on_the_seed_only(make):
    assert run(make(3)) == run(make(3))
    assert run(make(3)) != run(make(4))


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 21), name=st.sampled_from(sorted(ALL)))
def test_ask_does_not_depend_on_how_trials_are_divided_among_tells(cut, name):
    trials, unpaid = run(ALL[name](1))
    at_once, in_pieces = ALL[name](1), ALL[name](1)
    at_once.tell(trials, unpaid)
    in_pieces.tell(trials[:cut])
    in_pieces.tell(trials[cut:], unpaid)
    assert at_once.ask(5) == in_pieces.ask(5)


def on_first_examples(trials, sizes):
    """Return results by instruction, in turn on ``sizes`` examples."""
    return {
        trial.instruction: Evaluation(trial.evaluation.scores[:size], trial.evaluation.predictions[:size])
        for trial, size in zip(trials, itertools.cycle(sizes), strict=False)
    }


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_promising_names_instructions_of_the_results_and_changes_no_state(make, rounds):
    """It is called any number of times while a round is evaluated, and the run goes on as without it."""
    optimizer, other = make(0), make(0)
    trials, _ = run(optimizer, rounds=rounds)
    run(other, rounds=rounds)
    new, unpaid = evaluated_round(optimizer, trials)
    for sizes in ((1,), (2, 5), (8, 2), (8,)):
        results = on_first_examples(new, sizes)
        named = optimizer.promising(results, 1)
        assert named == optimizer.promising(results, 1)
        assert named is None or set(named) <= results.keys()
        assert optimizer.ask(5) == other.ask(5)
    for each in (optimizer, other):
        each.tell(new, unpaid)
    assert optimizer.ask(5) == other.ask(5)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_ask_returns_points_in_the_box_and_choose_keeps_to_the_limit(make, limit):
    optimizer, trials = make(0), []
    for _ in range(4):
        proposals = optimizer.ask(limit)
        assert proposals
        assert all(map(is_in_the_box, proposals))
        assert optimizer.choose(written(proposals), limit) == optimizer.choose(written(proposals), limit)
        new, _ = play_round(optimizer, trials, limit)
        assert 1 <= len(new) <= limit
        trials += new


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_constant_scores_still_give_new_proposals(make, constant):
    trials, _ = run(make(0), scores=lambda z: (constant,) * 8)
    assert len({trial.proposal for trial in trials}) > len(trials) // 2


def test_writer_with_a_constant_text_raises_nothing(make):
    optimizer = make(0)
    same = Writing("write", "write")
    for number in range(3):
        candidates = [Candidate(proposal, same) for proposal in optimizer.ask(5)]
        chosen = optimizer.choose(candidates, 5)
        assert len(chosen) <= 5
        evaluation = Evaluation((1.0, 0.0), ("", ""))
        trials = [Trial(5 * number + candidate, number, candidates[position].proposal, same, evaluation)
                  for candidate, position in enumerate(chosen)]  # fmt: skip
        optimizer.tell(trials, [candidate for position, candidate in enumerate(candidates) if position not in chosen])


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"paper", "uniform", "zopo"}))
def test_method_that_chooses_never_evaluates_a_text_twice(name):
    trials, unpaid = run(ALL[name](2), rounds=6)
    texts = [trial.instruction for trial in trials]
    assert len(set(texts)) == len(texts)
    assert unpaid


# Instructions of the user's, which are scored before the first round


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("limit", [2, 100])
def test_method_proposes_points_of_its_own_after_given_texts(make, count, limit):
    optimizer = make(0)
    trials = started(optimizer, STARTS[:count])
    for _ in range(4):
        proposals = optimizer.ask(limit)
        assert proposals == optimizer.ask(limit)
        assert all(proposal.given is None for proposal in proposals)
        assert all(map(is_in_the_box, proposals))
        new, unpaid = evaluated_round(optimizer, trials, limit)
        assert 1 <= len(new) <= limit
        results = on_first_examples(new, (2, 8))
        assert optimizer.promising(results, 1) == optimizer.promising(results, 1)
        optimizer.tell(new, unpaid)
        trials += new


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 21), name=st.sampled_from(sorted(ALL)))
def test_given_texts_may_be_told_in_one_call_with_later_trials_or_in_several(cut, name):
    trials, unpaid = run(ALL[name](1), starts=STARTS)
    assert (trials, unpaid) == run(ALL[name](1), starts=STARTS)
    at_once, in_pieces = ALL[name](1), ALL[name](1)
    at_once.tell(trials, unpaid)
    in_pieces.tell(trials[:cut])
    in_pieces.tell(trials[cut:], unpaid)
    assert at_once.ask(5) == in_pieces.ask(5)


@pytest.mark.parametrize("name", ["instructzero", "paper", "uniform", "instinct", "presto", "zopo", "dro"])
def test_first_points_are_those_of_a_run_without_given_texts(name):
    """A given text is no point, so that it takes the place of none."""
    optimizer, other = MAKERS[name](0), MAKERS[name](0)
    started(optimizer)
    assert optimizer.ask(5) == other.ask(5)
    for each, trials in ((optimizer, list(STARTS)), (other, [])):
        play_round(each, trials, limit=2)
    assert optimizer.ask(5) == other.ask(5)


@pytest.mark.parametrize("name", ["ape", "opro", "evoprompt-ga", "evoprompt-de", "capo", "reflect"])
def test_given_texts_are_members_of_the_first_population(name):
    optimizer = MAKERS[name](0)
    started(optimizer)
    assert len(optimizer.ask(100)) == 6 - len(STARTS)
    full = MAKERS[name](0)
    started(full, [f"{number} 1 2 3" for number in range(6)])
    assert all(proposal.rewrite.start for proposal in full.ask(100))


@pytest.mark.parametrize("name", ["instructzero", "ape", "opro", "evoprompt-ga", "evoprompt-de", "capo", "reflect"])
def test_text_is_made_from_a_given_one(name):
    """The given text alone is good, so that it is a parent of many."""
    optimizer = MAKERS[name](0)
    good = "9 8 7 6"
    trials, unpaid = run(optimizer, rounds=6, scores=lambda z: (float(z[0] == 3.0),) * 8, starts=[good])
    starts = [candidate.proposal.rewrite for candidate in [*trials, *unpaid] if candidate.proposal.rewrite]
    assert any(rewrite.start.startswith("9") for rewrite in starts)


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"paper", "uniform", "zopo"}))
def test_method_that_chooses_never_evaluates_a_given_text_again(name):
    optimizer = ALL[name](2)
    known = [text_for(proposal) for proposal in optimizer.ask(100)][:3]
    trials, _ = run(optimizer, starts=list(dict.fromkeys(known)))
    texts = [trial.instruction for trial in trials]
    assert len(set(texts)) == len(texts)


def test_global_random_generators_are_unchanged(make):
    import random

    import torch

    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()
    run(make(0), rounds=2)
    assert before == (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.random.get_rng_state().tolist(),
    )
