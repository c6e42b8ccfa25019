"""Properties of the similarities of instructions, and cases small enough to count by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.similarity import exact_match_similarity, f1_similarity

both = pytest.mark.parametrize("similarity", [exact_match_similarity, f1_similarity])

answers = st.lists(st.sampled_from("abc"), max_size=4).map(" ".join)
"""Cells of few words, so that equal, empty and reordered answers are frequent."""


def tables(cells):
    """Return a strategy for the answers of up to nine instructions to up to four examples."""
    return st.integers(1, 4).flatmap(
        lambda examples: st.lists(st.lists(cells, min_size=examples, max_size=examples), min_size=1, max_size=9)
    )


predictions = tables(answers)


@both
@settings(max_examples=300, deadline=None)
@given(rows=tables(answers | st.none()))
def test_similarity_is_symmetric_positive_semi_definite_with_unit_diagonal(similarity, rows):
    matrix = similarity(rows).numpy()
    assert matrix.shape == (len(rows), len(rows))
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 1).all()
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    assert np.linalg.eigvalsh(matrix).min() >= -1e-10


@both
@settings(max_examples=100, deadline=None)
@given(rows=predictions, chosen=st.integers(0, 8))
def test_equal_predictions_give_equal_rows(similarity, rows, chosen):
    chosen %= len(rows)
    matrix = similarity([*rows, rows[chosen]])
    assert matrix[chosen].tolist() == matrix[-1].tolist()
    assert matrix[chosen, -1] == 1


@both
@settings(max_examples=100, deadline=None)
@given(rows=predictions, data=st.data())
def test_permuted_instructions_permute_the_matrix(similarity, rows, data):
    order = data.draw(st.permutations(range(len(rows))))
    expected = similarity(rows)[order][:, order]
    np.testing.assert_allclose(similarity([rows[i] for i in order]), expected, rtol=1e-14)


@settings(max_examples=100, deadline=None)
@given(rows=predictions)
def test_f1_is_at_least_exact_match(rows):
    assert (f1_similarity(rows) >= exact_match_similarity(rows) - 1e-15).all()


def test_exact_match_counts_examples_with_equal_answers():
    matrix = exact_match_similarity([["a", "b", "", "d"], ["a", "x", "", "d"], ["x", "b", "c", "e"]])
    assert matrix.tolist() == [[1, 0.75, 0.25], [0.75, 1, 0], [0.25, 0, 1]]


def test_f1_counts_repeated_words():
    # a a b and a b b share one a and one b: 2·2 / (3 + 3); a a b and a share one a: 2·1 / (3 + 1)
    matrix = f1_similarity([["a a b"], ["a b b"], ["a"]])
    np.testing.assert_allclose(matrix, [[1, 2 / 3, 1 / 2], [2 / 3, 1, 1 / 2], [1 / 2, 1 / 2, 1]], rtol=1e-15)


def test_f1_is_averaged_over_examples():
    matrix = f1_similarity([["a b", "c"], ["b c", "c"], ["d", "e"]])
    assert matrix.tolist() == [[1, 0.75, 0], [0.75, 1, 0], [0, 0, 1]]


def test_empty_answer_is_similar_to_itself_only():
    matrix = f1_similarity([[""], ["a"], [""], ["a b"]])
    np.testing.assert_allclose(matrix, [[1, 0, 1, 0], [0, 1, 0, 2 / 3], [1, 0, 1, 0], [0, 2 / 3, 0, 1]], rtol=1e-15)


def test_f1_ignores_word_order():
    assert f1_similarity([["a b c"], ["c a b"]]).tolist() == [[1, 1], [1, 1]]


@both
def test_one_instruction_and_one_example_give_identity(similarity):
    assert similarity([[""]]).tolist() == [[1]]


@both
def test_missing_answer_is_similar_to_itself_only(similarity):
    matrix = similarity([["a", None], ["a", None], ["a", "b"]])
    assert matrix.tolist() == [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]
