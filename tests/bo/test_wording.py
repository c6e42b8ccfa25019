"""Texts as vectors: unit length, alike where spelling is shared, the same in every process."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.bo.wording import BUCKETS, ngram_features


@settings(deadline=None)
@given(texts=st.lists(st.text(), min_size=1, max_size=5))
def test_rows_are_unit_vectors_for_any_text(texts):
    features = ngram_features(texts)
    assert features.shape == (len(texts), BUCKETS)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(len(texts), dtype=torch.float64))


@settings(deadline=None)
@given(first=st.text(), second=st.text())
def test_a_text_is_nearest_to_itself_and_likeness_is_symmetric(first, second):
    a, b = ngram_features([first, second])
    assert 0 <= a @ b <= a @ a + 1e-12
    assert torch.equal(a, ngram_features([second, first])[1])


def test_white_space_and_case_make_no_difference():
    first, second = ngram_features(["Sort the\n words ", "sort the words"])
    assert torch.equal(first, second)


def test_a_shared_phrase_counts_more_than_shared_words():
    same_tail, same_words, other = ngram_features(
        ["give the antonym, or something like it.", "like something, it or antonym give the.", "count to ten"]
    )
    query = ngram_features(["write the opposite, or something like it."])[0]
    assert query @ same_tail > query @ same_words > query @ other


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_same_in_every_process(seed):
    code = "from instructzero.bo.wording import ngram_features as f; print(f(['give äöü'])[0].nonzero().sum().item())"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
    assert int(found.stdout) == ngram_features(["give äöü"])[0].nonzero().sum().item()
