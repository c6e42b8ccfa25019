"""The default search: what it proposes, evaluates, remembers and believes."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.optimizers.metaprompts import vary
from instructzero.optimizers.reading import REMEMBERED, ReadingInstructZero
from instructzero.optimizers.registry import Materials, build_optimizer, get_method
from instructzero.optimizers.sources import ENDS, SoftPrompts
from instructzero.types import Candidate, Evaluation, Proposal, Rewrite, Trial, Writing

VERBS = "write print give list return say name show find copy".split()
EXAMPLES = 12
MATERIALS = {"represent": lambda points: torch.zeros(len(points), 1), "demonstrations": "Input: hot\nOutput: cold"}


def make(seed=0, initial=6, batch=4, dimension=3, thrifty=False, **options):
    source = SoftPrompts(dimension=dimension, seed=seed, batch=batch, **options)
    return ReadingInstructZero(source, seed=seed, initial=initial, batch=batch, thrifty=thrifty)


def candidate(text, z=(0.0, 0.0, 0.0), rewrite=None):
    return Candidate(Proposal(z, rewrite), Writing(text, text))


def scored(right, examples=EXAMPLES):
    """Return ``right`` of ``examples`` ones, spread over them."""
    scores = tuple(float((n + 1) * right // examples > n * right // examples) for n in range(examples))
    return Evaluation(scores, ("",) * examples)


def told(results, **options):
    """Return an optimizer after the texts of ``results`` were evaluated; a number stands for that many right."""
    optimizer = make(**options)
    optimizer.tell(trials_of(results))
    return optimizer


def trials_of(results):
    evaluations = [scored(result) if isinstance(result, int) else result for result in results.values()]
    points = [Proposal((0.1 * number, 0.0, 0.0)) for number in range(len(results))]
    writings = [Writing(text, text) for text in results]
    return [Trial(number, 0, *parts) for number, parts in enumerate(zip(points, writings, evaluations, strict=True))]


GOOD_WORD = {f"{verb} the words {end}": 11 * (end == "alphabetically") for verb in VERBS[:5]
             for end in ("alphabetically", "randomly")}  # fmt: skip


def text_for(proposal):
    """Return a text that depends on z, after the beginning if there is one."""
    words = [f"w{round(2 * value)}" for value in proposal.z]
    return " ".join([*(proposal.rewrite.start.split() if proposal.rewrite else []), *words])


def score_of(text):
    return scored(Counter(text.split())["w1"] * 4 % (EXAMPLES + 1))


def play(optimizer, rounds, limit=100):
    """Play rounds; return for each one its candidates, and the candidates that were evaluated."""
    played, number = [], 0
    for round_number in range(rounds):
        candidates = [candidate(text_for(proposal), *_parts(proposal)) for proposal in optimizer.ask(limit)]
        chosen = [candidates[position] for position in optimizer.choose(candidates, limit)]
        optimizer.tell(
            [
                Trial(number + place, round_number, one.proposal, one.writing, score_of(one.instruction))
                for place, one in enumerate(chosen)
            ],
            [one for one in candidates if one not in chosen],
        )
        number += len(chosen)
        played.append((candidates, chosen))
    return played


def _parts(proposal):
    return proposal.z, proposal.rewrite


# Rounds


def test_first_round_is_random_points_that_cover_the_box():
    proposals = make(initial=16, dimension=10).ask(100)
    points = np.array([proposal.point for proposal in proposals])
    assert len(points) >= 16
    quarters = np.floor((points + 1) * 2).clip(0, 3)
    assert all(len(set(quarters[:, dimension])) == 4 for dimension in range(10))


@pytest.mark.parametrize("initial", [1, 2, 6])
def test_initial_texts_are_evaluated_before_the_first_continuation(initial):
    """Also if a limit, or too few different texts, cuts the first round."""
    optimizer, sizes = make(initial=initial), []
    while sum(sizes) < initial:
        ((candidates, chosen),) = play(optimizer, 1, limit=2)
        assert not any(one.proposal.rewrite for one in candidates)
        sizes.append(len(chosen))
    assert sum(sizes) == initial
    assert max(sizes) <= 2
    assert any(proposal.rewrite for proposal in optimizer.ask(100))


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 6), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_later_round_evaluates_different_new_texts_up_to_batch_and_limit(batch, limit, seed):
    optimizer = told(GOOD_WORD, batch=batch, seed=seed)
    candidates = [candidate(f"{verb} it {number // 2}") for number, verb in enumerate(VERBS)]
    candidates += [candidate(text) for text in GOOD_WORD] + candidates[:3]
    chosen = [candidates[position].instruction for position in optimizer.choose(candidates, limit)]
    assert len(set(chosen)) == len(chosen) == min(batch, limit)
    assert not set(chosen) & GOOD_WORD.keys()


def test_choose_returns_nothing_if_no_text_is_new():
    assert told(GOOD_WORD).choose([candidate(text) for text in GOOD_WORD], 10) == []


# Continuations


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_continuations_begin_with_words_of_different_evaluated_texts(seed, ends):
    proposals = [one for one in told(GOOD_WORD, seed=seed, ends=ends).ask(100) if one.rewrite]
    groups = Counter((one.rewrite.prompt, one.rewrite.start) for one in proposals)
    assert set(groups.values()) == {ends}
    assert len({prompt for prompt, _ in groups}) == len(groups)
    requests = {vary(text): text.split() for text in GOOD_WORD}
    for prompt, start in groups:
        words = start.split()
        assert requests[prompt][: len(words)] == words
        assert 0 < len(words) < len(requests[prompt])
    assert len({one.z for one in proposals}) == len({one.rewrite.seed for one in proposals}) == len(proposals)
    assert all(max(map(abs, one.z)) <= 1 for one in proposals)


def test_good_texts_are_continued_more_often_than_bad_ones():
    optimizer, begun = told(GOOD_WORD, candidates=4), Counter()
    for _ in range(15):
        proposals = optimizer.ask(100)
        begun.update(one.rewrite.prompt for one in proposals if one.rewrite)
        optimizer.tell([], [candidate("", one.z) for one in proposals])  # the next round draws others
    good = sum(begun[vary(text)] for text, right in GOOD_WORD.items() if right)
    assert good > 0.8 * begun.total()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_share_of_the_written_texts_are_continuations(share):
    texts, optimizer = 4 * 10, told(GOOD_WORD, batch=4, candidates=10, continued=share)
    continued = [one.rewrite is not None for one in optimizer.ask(100)]
    assert continued.count(False) == texts - round(share * texts)
    assert share * texts <= continued.count(True) < share * texts + ENDS


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_search_with_only_one_kind_of_proposal_runs(share):
    later = play(make(continued=share), 6)[2:]
    for candidates, _ in later:
        assert {one.proposal.rewrite is not None for one in candidates[:5]} == {share == 1}
    assert any(chosen for _, chosen in later)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_smallest_round_still_proposes_a_text(share):
    assert told(GOOD_WORD, batch=1, candidates=1, continued=share).ask(1)


def test_text_of_one_word_is_continued_from_nothing():
    proposals = told({"sort": 3, "": 0}, initial=2, continued=1.0).ask(10)
    assert {one.rewrite.start for one in proposals} == {""}


@pytest.mark.parametrize("paid", [False, True])
def test_beginning_has_one_ending_where_texts_are_paid_for(paid):
    chosen = make_settings({"task": "sum", "method": "instructzero", "initial": 6, "batch": 8, "dimension": 3})
    optimizer = build_optimizer(chosen, Materials(**MATERIALS, pays_for_texts=paid))
    optimizer.tell(trials_of(GOOD_WORD))
    endings = Counter((one.rewrite.prompt, one.rewrite.start) for one in optimizer.ask(100) if one.rewrite)
    assert len(endings) > 1
    assert set(endings.values()) == {1 if paid else ENDS}


# Texts that were not paid for


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_unpaid_texts_come_back_until_they_are_evaluated(seed):
    optimizer, evaluated, unpaid, returned = make(seed), set(), {}, 0
    for _ in range(5):
        asked = optimizer.ask(100)
        again = [one for one in asked if one in unpaid]
        assert not {unpaid[one] for one in again} & evaluated
        waiting = set(unpaid.values()) - evaluated
        returned += len(again)
        if len(evaluated) >= 6:
            assert len({unpaid[one] for one in again}) == min(REMEMBERED, len(waiting))
        ((candidates, chosen),) = play(optimizer, 1)
        evaluated |= {one.instruction for one in chosen}
        unpaid |= {one.proposal: one.instruction for one in candidates if one.instruction not in evaluated}
    assert returned


def test_most_promising_unpaid_texts_come_back():
    unpaid = [candidate(f"{verb} it {end}", (float(number), 0.0, 0.0), Rewrite(verb, "", number))
              for number, (verb, end) in enumerate((verb, end) for end in ("randomly", "alphabetically")
                                                   for verb in VERBS)]  # fmt: skip
    optimizer = told(GOOD_WORD)
    optimizer.tell([], unpaid)
    expected = {one.proposal for one in unpaid if one.instruction.endswith("alphabetically")}
    remembered = [one for one in optimizer.ask(100) if one in {each.proposal for each in unpaid}]
    assert len(remembered) == min(REMEMBERED, len(unpaid))
    assert set(remembered[: len(expected)]) <= expected


def test_unpaid_text_that_was_evaluated_or_is_empty_does_not_come_back():
    optimizer = told(GOOD_WORD)
    optimizer.tell([], [candidate(text, (0.5, 0.5, 0.5)) for text in ("", *GOOD_WORD)])
    assert Proposal((0.5, 0.5, 0.5)) not in optimizer.ask(100)


def test_text_written_twice_comes_back_once():
    optimizer = told(GOOD_WORD)
    optimizer.tell([], [candidate("count them", (0.5, 0.5, 0.5)), candidate("count them", (0.25, 0.5, 0.5))])
    assert optimizer.ask(100).count(Proposal((0.5, 0.5, 0.5))) == 1
    assert Proposal((0.25, 0.5, 0.5)) not in optimizer.ask(100)


# The belief


NEW = [candidate(f"{verb} these {end}") for verb in VERBS[5:] for end in ("alphabetically", "randomly")]


def test_word_that_is_good_in_several_texts_is_preferred_in_new_ones():
    means, _ = told(GOOD_WORD).belief(NEW)
    assert means[::2].min() > means[1::2].max()
    chosen = [NEW[position].instruction for seed in range(40) for position in told(GOOD_WORD, seed=seed).choose(NEW, 1)]
    assert sum("alphabetically" in text for text in chosen) > 24


def test_belief_is_on_the_scale_of_scores_with_more_doubt_about_strange_texts():
    optimizer = told(GOOD_WORD)
    means, doubts = optimizer.belief([*NEW[:2], candidate("once upon a time")])
    assert means.shape == doubts.shape == (3,)
    assert 0 < means[1] < means[2] < means[0] < 1
    assert doubts.min() > 0
    assert doubts[:2].max() < doubts[2]


def test_every_text_is_predicted_and_its_outcome_is_the_mean_score():
    optimizer = make()
    assert optimizer.predicts(NEW[0])
    assert optimizer.predicts(candidate("sort them", rewrite=Rewrite("Vary.", "sort", 0)))
    assert optimizer.outcome(Trial(0, 0, NEW[0].proposal, NEW[0].writing, scored(3))) == 3 / EXAMPLES


@pytest.mark.parametrize("right", [0, 6, EXAMPLES])
def test_equal_scores_are_believed_of_every_text(right):
    means, doubts = told(dict.fromkeys(GOOD_WORD, right)).belief(NEW)
    np.testing.assert_allclose(means, right / EXAMPLES, atol=1e-9)
    assert (doubts > 0).all()


def test_text_scored_on_easy_examples_only_is_not_believed_to_be_best():
    """Four texts are right on the first 3 of 12 examples, a fifth one on 9; a sixth one was scored on the first 3."""
    usual, better, short = ((1.0,) * right + (0.0,) * (size - right) for right, size in ((3, 12), (9, 12), (3, 3)))
    texts = [*(f"{verb} letters" for verb in VERBS[:4]), "sort words", "count all"]
    rows = [usual] * 4 + [better, short]
    results = {text: Evaluation(row, ("",) * len(row)) for text, row in zip(texts, rows, strict=True)}
    means, _ = told(results).belief([candidate("sort words now"), candidate("count all now")])
    assert means[0] > means[1]


# What is scored further


CLEAR = {"write the answer": 2, "print the answer": 3, "give the result": 2, "list the words": 2}


def test_clear_leader_goes_on_and_clearly_worse_text_does_not():
    for trials in ({}, CLEAR):
        results = {"sort the letters": scored(EXAMPLES), "count all vowels": scored(0)}
        assert set(told(trials).promising(results, 1)) == {"sort the letters"}


def test_text_that_is_clearly_worse_than_an_evaluated_one_does_not_go_on():
    optimizer = told({**CLEAR, "sort the letters": EXAMPLES})
    assert not optimizer.promising({"count all vowels": scored(0, 6), "name any colour": scored(0, 6)}, 1)
    assert set(optimizer.promising({"count all vowels": scored(6, 6), "name any colour": scored(0, 6)}, 1)) <= {
        "count all vowels"
    }


def test_as_many_leaders_go_on_as_there_are_places():
    results = {"sort the letters": scored(EXAMPLES), "count all vowels": scored(0), "name any colour": scored(2)}
    assert set(told({}).promising(results, 2)) == {"sort the letters", "name any colour"}
    assert set(told({}).promising(results, 3)) == results.keys()


def test_only_text_goes_on():
    assert set(make().promising({"sort the letters": scored(0, 2)}, 1)) == {"sort the letters"}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=6), st.booleans())
def test_leader_of_all_texts_goes_on_and_only_texts_of_the_round_do(sizes, with_trials):
    """Without earlier trials there is always a leader in the round."""
    results = {f"{VERBS[number]} it {number}": scored(min(right, size), size)
               for number, (right, size) in enumerate(sizes)}  # fmt: skip
    going = set(told(CLEAR if with_trials else {}).promising(results, 1))
    assert going <= results.keys()
    assert going or with_trials


@pytest.mark.parametrize("with_trials", [False, True])
def test_thrifty_search_scores_one_text_further_while_nothing_is_right(with_trials):
    results = {f"{verb} it": scored(0, 3) for verb in VERBS[:6]}
    earlier = {"sort the letters": 0} if with_trials else {}
    assert len(told(earlier, thrifty=True).promising(results, 3)) == 1
    assert len(told(earlier).promising(results, 3)) > 1


def test_thrifty_search_is_as_any_other_once_something_is_right():
    results = {f"{verb} it": scored(number % 2, 3) for number, verb in enumerate(VERBS)}
    assert set(told({}, thrifty=True).promising(results, 3)) == set(told({}).promising(results, 3))


# Settings


def test_parts_that_the_method_has_are_used():
    chosen = {"task": "sum", "initial": 2, "batch": 3, "candidates": 4, "continued": 0.0}
    optimizer = build_optimizer(make_settings(chosen), Materials(**MATERIALS))
    assert isinstance(optimizer, ReadingInstructZero)
    first, second = play(optimizer, 2)
    assert (len(first[1]), len(second[1])) == (2, 3)
    assert sum(one.proposal.rewrite is None for one in second[0]) >= 12
    assert not any(one.proposal.rewrite for one in second[0])


OTHER = {
    "kernel": "standard",
    "similarity": "f1",
    "noise": "binomial",
    "lengthscale": "loo",
    "acquisition": "ei",
    "maximiser": "pool",
    "batch_choice": "best",
    "preimages": True,
    "geometry": "sphere",
}


@pytest.mark.parametrize("part", OTHER)
def test_part_that_the_method_lacks_is_refused_in_one_sentence(part):
    chosen = make_settings({"task": "sum", "method": "instructzero", part: OTHER[part]})
    flag = part.replace("_", "-")
    with pytest.raises(ConfigurationError, match=f"^method 'instructzero' has no {part}, got .*leave --{flag} out$"):
        build_optimizer(chosen, Materials(**MATERIALS))


def test_every_part_of_a_search_is_either_used_or_refused():
    chosen = make_settings({"task": "sum", "initial": 2, "batch": 3, "candidates": 4, "continued": 0.5, **OTHER})
    assert chosen.parts().keys() == OTHER.keys() | get_method("instructzero").parts.keys()
