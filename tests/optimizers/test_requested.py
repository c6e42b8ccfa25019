"""The default search with a writer that takes no soft prompts: its requests, their number, and what they show."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest

from instructzero.config import make_settings
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.registry import Materials, build_optimizer
from instructzero.optimizers.requested import Requested
from instructzero.optimizers.wording import TEXTS
from instructzero.types import Candidate, Evaluation, Example, Proposal, Trial, Writing

EXAMPLES = tuple(Example(f"word {number}", (f"right {number}",)) for number in range(6))
SHOWN = "Input: hot\nOutput: cold"
KINDS = {
    "improved": "answers of it were wrong",
    "better": "each with its score",
    "combined": "Combine them",
    "guessed": "Somebody followed",
}


def make(seed=0, initial=8, batch=8, **options):
    options = {"demonstrations": SHOWN, "description": "Opposites.", "examples": EXAMPLES, **options}
    return ReadingInstructZero(Requested(batch=batch, **options), seed=seed, initial=initial, batch=batch, thrifty=True)


def evaluation(right, remarks=()):
    scores = tuple(float(number < right) for number in range(6))
    return Evaluation(scores, tuple(f"said {number}" for number in range(6)), remarks=remarks)


def trial(number, text, right, proposal=Proposal(None), **more):  # noqa: B008
    return Trial(number, 0, proposal, Writing(text, text), evaluation(right, **more))


def written(proposals, texts):
    return [Candidate(proposal, Writing(text, text)) for proposal, text in zip(proposals, texts, strict=True)]


def after_first_round(rights=(5, 4, 3, 2, 1, 0, 2, 3), **options):
    optimizer = make(**options)
    proposals = optimizer.ask(100)
    optimizer.tell(
        [trial(number, f"way {number} of it", right, proposals[number]) for number, right in enumerate(rights)]
    )
    return optimizer


def requests_of(proposals):
    """Return the different requests in order, with the parts that are asked of each."""
    rewrites = [proposal.rewrite for proposal in proposals]
    groups = groupby(rewrites, key=lambda rewrite: (rewrite.prompt, rewrite.seed, rewrite.parts))
    return [(key[0], [rewrite.part for rewrite in group]) for key, group in groups]


def kinds_of(proposals):
    return [next(kind for kind, words in KINDS.items() if words in prompt) for prompt, _ in requests_of(proposals)]


def test_first_round_asks_from_exemplars_for_several_texts_a_call():
    proposals = make(initial=8).ask(100)
    assert all(proposal.z is None for proposal in proposals)
    assert [parts for _, parts in requests_of(proposals)] == [list(range(TEXTS))] * 2
    assert kinds_of(proposals) == ["guessed"] * 2
    assert all(SHOWN in prompt and "The task: Opposites." in prompt for prompt, _ in requests_of(proposals))
    assert len({proposal.rewrite.seed for proposal in proposals}) == 2


@pytest.mark.parametrize(("limit", "calls"), [(1, 1), (4, 1), (5, 2), (100, 3)])
def test_no_more_requests_are_paid_than_the_limit_needs(limit, calls):
    assert len(requests_of(make(initial=12).ask(limit))) == calls


@pytest.mark.parametrize(("limit", "calls"), [(1, 1), (2, 1), (4, 2), (8, 4), (100, 4)])
def test_later_round_requests_two_texts_for_an_evaluation(limit, calls):
    assert len(requests_of(after_first_round().ask(limit))) == calls


def test_later_round_asks_for_each_kind_once():
    assert kinds_of(after_first_round().ask(100)) == ["improved", "better", "combined", "guessed"]


def test_share_and_number_of_candidates_are_parts_of_the_search():
    assert kinds_of(after_first_round(continued=0.0).ask(100)) == ["guessed"] * 4
    assert "guessed" not in kinds_of(after_first_round(continued=1.0).ask(100))
    assert len(requests_of(after_first_round(candidates=4).ask(100))) == 8


def test_equal_texts_of_the_first_round_are_not_replaced():
    """A model repeats its likely answers, and each further request is paid."""
    optimizer = make(initial=8)
    candidates = written(optimizer.ask(100), ["one"] * 7 + ["two"])
    chosen = optimizer.choose(candidates, 100)
    assert chosen == [0, 7]
    optimizer.tell(
        [trial(number, candidates[place].instruction, number) for number, place in enumerate(chosen)],
        [candidate for place, candidate in enumerate(candidates) if place not in chosen],
    )
    assert "improved" in kinds_of(optimizer.ask(100))


def test_first_round_is_repeated_if_it_gave_no_text():
    optimizer = make(initial=8)
    optimizer.tell([], written(optimizer.ask(100), [""] * 8))
    assert kinds_of(optimizer.ask(100)) == ["guessed"] * 2


def improvement(optimizer):
    return next(prompt for prompt, _ in requests_of(optimizer.ask(100)) if KINDS["improved"] in prompt)


def test_improvement_shows_failures_of_a_drawn_text():
    prompt = improvement(after_first_round([3] * 8))
    shown = [number for number in range(6) if f"Answer: said {number}" in prompt]
    assert {3, 4, 5} <= set(shown)
    assert prompt.index("said 5") < prompt.index("were right") < min(prompt.index(f"said {n}") for n in shown if n < 3)
    assert "way " in prompt


def test_good_texts_are_improved_more_often_than_bad_ones():
    found = Counter()
    for seed in range(30):
        prompt = improvement(after_first_round([5, 5, 0, 0, 0, 0, 0, 0], seed=seed))
        found[prompt.partition("way ")[2][0]] += 1
    assert found["0"] + found["1"] > 20


def test_metrics_remarks_are_shown():
    optimizer = make()
    optimizer.tell([trial(number, f"way {number}", 0, remarks=("Too long.",) * 6) for number in range(8)],
                   written(optimizer.ask(100), [""] * 8))  # fmt: skip
    assert "Remark: Too long." in improvement(optimizer)


def test_text_without_failures_is_not_improved():
    optimizer = after_first_round([6] * 8)
    assert kinds_of(optimizer.ask(100)) == ["better", "better", "combined", "guessed"]


def test_one_known_text_is_not_combined_with_itself():
    optimizer = make(initial=1)
    optimizer.tell([trial(0, "the only way", 3, optimizer.ask(100)[0])])
    assert "combined" not in kinds_of(optimizer.ask(100))


def test_users_instruction_is_improved_in_the_first_round():
    optimizer = make(initial=12)
    optimizer.tell([trial(0, "Do it\nmy way.", 2, Proposal(None, given="Do it\nmy way."))])
    proposals = optimizer.ask(100)
    assert kinds_of(proposals) == ["guessed", "improved", "guessed"]
    assert "<instruction>\nDo it\nmy way.\n</instruction>" in improvement(optimizer)


def test_unpaid_texts_are_candidates_again_without_a_new_request():
    optimizer = make(initial=4)
    first = written(optimizer.ask(100), [f"way {number} of it" for number in range(4)])
    optimizer.tell([trial(number, one.instruction, number, one.proposal) for number, one in enumerate(first)])
    second = optimizer.ask(100)
    candidates = written(second, [f"new {number} of it" for number in range(len(second))])
    chosen = optimizer.choose(candidates, 2)
    unpaid = [candidate for place, candidate in enumerate(candidates) if place not in chosen]
    optimizer.tell([trial(9 + place, candidates[place].instruction, 3, candidates[place].proposal)
                    for place in chosen], unpaid)  # fmt: skip
    again = [proposal for proposal in optimizer.ask(100) if proposal in second]
    assert len(again) == 10
    assert set(again) <= {candidate.proposal for candidate in unpaid}


def test_rounds_show_different_failures_and_are_drawn_anew():
    optimizer = after_first_round([0] * 8)
    first = improvement(optimizer)
    proposals = optimizer.ask(100)
    optimizer.tell([], written(proposals, [f"other {number}" for number in range(len(proposals))]))
    assert improvement(optimizer) != first
    assert not {proposal.rewrite.seed for proposal in proposals[:16]} & {
        proposal.rewrite.seed for proposal in optimizer.ask(100)[:16]
    }


def test_settings_of_a_run_reach_the_search():
    chosen = make_settings({"task": "sum", "initial": 4, "batch": 2, "candidates": 4, "continued": 1.0})
    materials = Materials(lambda points: np.zeros(0), SHOWN, True, False, EXAMPLES, "Opposites.")
    optimizer = build_optimizer(chosen, materials)
    assert isinstance(optimizer, ReadingInstructZero)
    proposals = optimizer.ask(100)
    assert len(requests_of(proposals)) == 1
    optimizer.tell([trial(number, f"way {number}", number, proposals[number]) for number in range(4)])
    assert kinds_of(optimizer.ask(100)) == ["improved", "better"]
