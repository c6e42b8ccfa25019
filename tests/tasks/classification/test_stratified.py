"""Splits by label: disjoint parts of the sizes asked for, in which every label keeps its share."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.tasks import TaskData, builtin_names, load_builtin, split_task
from instructzero.tasks.classification.labels import label_counts, label_of
from instructzero.tasks.classification.stratified import cut
from instructzero.types import Example


def labelled(counts, seed=0):
    """Return shuffled examples with these numbers of the labels a, b, c, …"""
    labels = [label for label, count in zip("abcdefghij", counts, strict=False) for _ in range(count)]
    random.Random(seed).shuffle(labels)
    return tuple(Example(f"{number} {label}", (label,)) for number, label in enumerate(labels))


def found(part):
    return {label: [label_of(example) for example in part].count(label) for label in "abcdefghij"}


SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=4)
COUNTS = st.lists(st.integers(1, 60), min_size=2, max_size=6)


@settings(deadline=None)
@given(counts=COUNTS, data=st.data())
def test_cut_gives_disjoint_parts_of_the_sizes_in_the_order_of_the_examples(counts, data):
    examples = labelled(counts, data.draw(st.integers(0, 9)))
    sizes = data.draw(SIZES.filter(lambda sizes: sum(sizes) <= len(examples)))
    parts = cut(examples, sizes, label_of)
    assert [len(part) for part in parts] == [*sizes, len(examples) - sum(sizes)]
    assert sorted((example for part in parts for example in part), key=examples.index) == list(examples)
    assert all(list(part) == sorted(part, key=examples.index) for part in parts)


@settings(deadline=None)
@given(counts=COUNTS, data=st.data())
def test_cut_has_every_label_in_every_part_that_has_room_if_the_label_has_enough_examples(counts, data):
    examples = labelled(counts)
    sizes = data.draw(SIZES.filter(lambda sizes: sum(sizes) <= len(examples)))
    parts = cut(examples, sizes, label_of)
    for label, count in zip("abcdef", counts, strict=False):
        roomy = [part for part in parts if len(part) >= len(counts)]
        assert all(found(part)[label] >= 1 for part in roomy[:count])


@settings(deadline=None)
@given(rare=st.integers(12, 20), common=st.integers(81, 300), data=st.data())
def test_cut_of_skewed_examples_is_within_one_example_of_the_shares(rare, common, data):
    examples = labelled((common, rare), data.draw(st.integers(0, 99)))
    sizes = [5, 20, data.draw(st.integers(10, 50))]
    for size, part in zip(sizes, cut(examples, sizes, label_of), strict=False):
        expected = max(1, size * rare / len(examples))
        assert abs(found(part)["b"] - expected) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_split_of_one_in_twenty_has_the_rare_label_everywhere(seed):
    data = TaskData("mail", labelled((190, 10)))
    task = split_task(data, seed=seed, confirmation=None)
    counts = [found(part)["b"] for part in (task.exemplars, task.validation, task.test, task.confirmation)]
    assert counts[0] == 1
    assert counts[1] in (1, 2)
    assert counts[2] in (4, 5, 6)
    assert counts[3] in (1, 2, 3)
    assert task.remarks == ()
    assert split_task(data, seed=seed, confirmation=None) == task


@pytest.mark.parametrize("own_test", [False, True])
def test_split_is_the_same_with_and_without_confirmation_examples(own_test):
    examples = labelled((150, 12))
    data = TaskData("mail", examples[:120], examples[120:]) if own_test else TaskData("mail", examples)
    without, with_ = (split_task(data, test=20, seed=3, confirmation=count) for count in (0, 30))
    assert (without.exemplars, without.validation, without.test) == (with_.exemplars, with_.validation, with_.test)
    assert len(with_.confirmation) == 30
    assert found(with_.confirmation)["b"] >= 1


def test_split_of_many_answers_is_a_plain_slice_of_the_shuffled_examples():
    examples = tuple(Example(str(number), (str(number % 40),)) for number in range(80))
    order = random.Random("5/numbers/search").sample(examples, len(examples))
    task = split_task(TaskData("numbers", examples), exemplars=4, validation=10, test=20, seed=5)
    assert (*task.exemplars, *task.validation, *task.test) == tuple(order[:34])


def test_split_of_balanced_labels_is_left_alone_unless_a_label_is_missing():
    examples = labelled((60, 60))
    changed = 0
    for seed in range(40):
        order = random.Random(f"{seed}/coin/search").sample(examples, len(examples))
        task = split_task(TaskData("coin", examples), exemplars=4, validation=20, test=40, seed=seed)
        if (*task.exemplars, *task.validation, *task.test) != tuple(order[:64]):
            changed += 1
            assert len({label_of(example) for example in order[:4]}) == 1
    assert changed < 10


def test_split_of_the_built_in_tasks_differs_from_a_random_one_for_two_seeds_only():
    changed = []
    for name in builtin_names():
        data = load_builtin(name)
        for seed in range(10) if label_counts((*data.search, *(data.test or ()))) else ():
            order = random.Random(f"{seed}/{name}/search").sample(data.search, len(data.search))
            task = split_task(data, seed=seed)
            if (*task.exemplars, *task.validation) != tuple(order[:25]):
                changed.append((name, seed))
    assert changed == [("sentence_similarity", 7), ("sentiment", 8)]
