"""OPRO: the meta-prompt, and the parents for a writer that does not read it."""

from collections import Counter

import pytest

from instructzero.optimizers.metaprompts import guess
from instructzero.optimizers.methods.opro import Opro, chances, meta_prompt, trajectory
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

SHOWN = "Input: hot\nOutput: cold\n\nInput: up\nOutput: down"


def trial(number, text, score):
    return Trial(number, 0, Proposal((0.0,) * 2), Writing(text, text), Evaluation((score,), ("",)))


def history(*pairs):
    return [trial(number, text, score) for number, (text, score) in enumerate(pairs)]


def told(trials, **parts):
    optimizer = Opro(dimension=2, seed=0, demonstrations=SHOWN, **parts)
    optimizer.tell(trials)
    return optimizer


def test_meta_prompt_matches_the_text_written_by_hand():
    """Scores ascend and are rounded; equal ones are in the order of evaluation; a repeated text is shown once."""
    repeated = ("Say the opposite.", 0.1)
    trials = history(("Say the opposite.", 0.888), ("Answer.", 0.0), ("Invert it.", 0.4449), repeated, ("Flip.", 0.888))
    expected = """\
Here are instructions for one task, each with its score from 0 to 100, the best ones last.

Instruction: Answer.
Score: 0

Instruction: Invert it.
Score: 44

Instruction: Say the opposite.
Score: 89

Instruction: Flip.
Score: 89

These inputs and outputs show what the task is.

Input: hot
Output: cold

Input: up
Output: down

Write a new instruction for the task: unlike all of these, short and clear, fit for every input of the kind, and such \
that it scores higher.

Write the instruction between <prompt> and </prompt>."""
    assert meta_prompt(trajectory(trials), SHOWN) == expected
    assert [proposal.rewrite.prompt for proposal in told(trials, initial=5).ask(100)] == [expected] * 8


def test_trajectory_keeps_the_best_twenty_and_the_latest_of_equals():
    trials = history(("lost", 0.2), *[(f"text {number}", 0.5) for number in range(20)], ("best", 0.9))
    assert [trial.instruction for trial in trajectory(trials)] == [f"text {number}" for number in range(1, 20)] + [
        "best"
    ]


def test_interrupted_guesses_are_completed():
    optimizer = Opro(dimension=2, seed=0, demonstrations=SHOWN)
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(150)] == [guess(SHOWN)] * 20
    optimizer.tell(history(*[(f"text {number}", 0.5) for number in range(15)]))
    assert [proposal.rewrite.prompt for proposal in optimizer.ask(150)] == [guess(SHOWN)] * 5


@pytest.mark.parametrize(("limit", "asked"), [(1, 1), (8, 8), (100, 8)])
def test_step_asks_for_eight_samples_or_the_limit(limit, asked):
    proposals = told(history(("Say the opposite.", 0.5)), initial=1).ask(limit)
    assert (
        len({proposal.rewrite.seed for proposal in proposals}) == len({proposal.z for proposal in proposals}) == asked
    )


def test_chances_increase_with_the_score():
    trials = history(("a", 0.0), ("b", 0.5), ("c", 0.5), ("d", 1.0))
    assert chances(trials) == [1 / 9, 2 / 9, 2 / 9, 4 / 9]
    assert chances(history(("a", 0.0), ("b", 0.0))) == [0.5, 0.5]


def test_starts_are_drawn_by_the_chances_of_parents():
    """Two texts with chances 1/3 and 2/3: of 3,000 draws about 1,000 and 2,000 (standard deviation 26)."""
    optimizer = told(history(("worse text", 0.1), ("better text", 0.2)), initial=2, batch=3000)
    starts = Counter(proposal.rewrite.start for proposal in optimizer.ask(3000))
    assert starts.keys() == {"worse", "better"}
    assert starts["better"] == pytest.approx(2000, abs=130)


def test_choose_returns_only_new_texts_within_the_limit():
    optimizer = told(history(("old", 0.5)), initial=1)
    candidates = [Candidate(Proposal((0.0, 0.0)), Writing(text, text)) for text in ("old", "a", "b", "a", "c")]
    assert optimizer.choose(candidates, 100) == [1, 2, 4]
    assert optimizer.choose(candidates, 2) == [1, 2]
