"""Reflection on failures, with parents from a Pareto front."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from instructzero.config import make_settings
from instructzero.optimizers.methods.reflect import METHOD, Reflect, drawn_parents, pareto_front
from instructzero.optimizers.registry import Materials, build_optimizer
from instructzero.types import Evaluation, Example, Proposal, Trial, Writing

EXAMPLES = tuple(Example(f"word {number}", (f"right {number}",)) for number in range(6))
SHOWN = "Input: hot\nOutput: cold"


def trial(number, *scores, text=None):
    text = text or f"way {number} of it"
    said = tuple(f"said {position}" for position in range(len(scores)))
    return Trial(number, 0, Proposal((0.0, 0.0)), Writing(text, text), Evaluation(scores, said))


def make(seed=0, **options):
    options = {"demonstrations": SHOWN, "description": "Opposites.", "examples": EXAMPLES, **options}
    return Reflect(dimension=2, seed=seed, **options)


def told(trials, **options):
    optimizer = make(initial=len(trials), **options)
    optimizer.tell(trials)
    return optimizer


def prompts(optimizer, limit=100):
    return list(dict.fromkeys(proposal.rewrite.prompt for proposal in optimizer.ask(limit)))


def names(front):
    return {member.number: count for member, count in front}


# The front


def test_front_holds_instructions_that_are_best_on_different_examples():
    assert names(pareto_front([trial(0, 1, 1, 0), trial(1, 0, 0, 1), trial(2, 0, 0, 0)])) == {0: 2, 1: 1}


def test_instruction_that_is_best_nowhere_alone_is_left_out():
    assert names(pareto_front([trial(0, 1, 1, 1), trial(1, 1, 1, 0), trial(2, 1, 0, 0)])) == {0: 3}


def test_instruction_scored_on_few_examples_is_on_the_front_if_it_is_best_on_one():
    assert names(pareto_front([trial(0, 0, 0, 1, 1), trial(1, 1, 0)])) == {0: 2, 1: 1}


def test_all_instructions_are_returned_if_nothing_is_right():
    assert names(pareto_front([trial(0, 0, 0), trial(1, 0, 0)])) == {0: 1, 1: 1}


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=4, max_size=4), min_size=1, max_size=8))
def test_front_covers_the_best_score_of_every_example(rows):
    trials = [trial(number, *row) for number, row in enumerate(rows)]
    front = pareto_front(trials)
    for position in range(4):
        best = max(row[position] for row in rows)
        assert best == max(member.evaluation.scores[position] for member, _ in front)
    assert front == pareto_front(trials)


def test_parents_are_different_and_more_often_those_best_on_more_examples():
    front = [(trial(0, 1), 9), (trial(1, 1), 1), (trial(2, 1), 1)]
    first = Counter()
    for seed in range(50):
        one, other = drawn_parents(front, np.random.default_rng(seed))
        assert one != other
        first[one.number] += 1
    assert first[0] > 30
    assert len(drawn_parents(front[:1], np.random.default_rng(0))) == 1


# The requests


def test_first_instructions_are_guessed_several_a_call():
    proposals = make(initial=6).ask(100)
    assert [proposal.rewrite.part for proposal in proposals] == [0, 1, 2, 3, 0, 1]
    assert [proposal.rewrite.parts for proposal in proposals] == [4, 4, 4, 4, 2, 2]
    assert all(SHOWN in prompt and "Opposites." in prompt for prompt in prompts(make()))


def test_child_is_asked_for_with_the_failures_of_its_parent():
    found = [prompt for seed in range(5) for prompt in prompts(told([trial(0, 1, 0, 0, 1, 1, 1)], seed=seed))]
    assert all("<instruction>\nway 0 of it\n</instruction>" in prompt for prompt in found)
    assert all("Answer: said 1" in prompt and "Answer: said 2" in prompt for prompt in found)


def test_now_and_then_two_parents_are_combined():
    trials = [trial(0, 1, 1, 0), trial(1, 0, 0, 1)]
    combined = ["Combine them" in prompt for seed in range(40) for prompt in prompts(told(trials, seed=seed))]
    assert 0.1 < sum(combined) / len(combined) < 0.45


def test_better_texts_are_asked_for_if_nothing_is_wrong():
    assert all("each with its score" in prompt for prompt in prompts(told([trial(0, 1, 1)])))


def test_local_writer_continues_the_parent_at_different_points():
    proposals = told([trial(0, 1, 0)]).ask(4)
    assert len({proposal.z for proposal in proposals}) == 4
    (start,) = {proposal.rewrite.start for proposal in proposals}
    assert "way 0 of it".startswith(start)
    assert start


def test_method_makes_it_with_the_materials_of_the_run():
    chosen = make_settings({"task": "sum", "method": "reflect", "dimension": 2, "initial": 2, "batch": 1})
    materials = Materials(lambda points: np.zeros(0), SHOWN, examples=EXAMPLES, description="Opposites.")
    optimizer = build_optimizer(chosen, materials)
    optimizer.tell([trial(0, 1, 0), trial(1, 1, 0)])
    (prompt,) = prompts(optimizer)
    assert "The task: Opposites." in prompt
    assert "Input: word 1" in prompt
    assert METHOD.races
    assert METHOD.rewrites
    assert not METHOD.needs_soft_prompts
