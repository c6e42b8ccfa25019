"""Words and pairs of neighbouring words as features of instructions."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from instructzero.optimizers.word_features import Vocabulary, terms

TEXTS = st.lists(st.sampled_from("Write write the. word, 2 first 文 字 ไ é -".split()), max_size=6).map(" ".join)
ANY_TEXTS = st.text(max_size=30)
quickly = settings(deadline=None)


def features(*texts, known=()):
    return Vocabulary(known or texts).features(texts)


@quickly
@given(st.lists(st.one_of(TEXTS, ANY_TEXTS), min_size=1, max_size=5), st.lists(TEXTS, max_size=3))
def test_features_have_length_one_or_are_zeros_without_a_word(texts, known):
    rows = features(*texts, known=known)
    assert rows.dtype == torch.float64
    lengths = rows.square().sum(1)
    np.testing.assert_allclose(lengths, [float(bool(terms(text))) for text in texts], atol=1e-12)


@pytest.mark.parametrize("text", ["", "   ", "?!…", "\n\t", "_ - _"])
def test_text_without_a_word_has_zeros(text):
    assert not terms(text)
    assert features("sort them", text)[1].abs().sum() == 0
    assert features(text).shape == (1, 0)


@quickly
@given(st.one_of(TEXTS, ANY_TEXTS), st.one_of(TEXTS, ANY_TEXTS))
def test_inner_product_is_one_only_for_the_same_set_of_terms(first, second):
    assume(terms(first) and terms(second))
    rows = features(first, second)
    assert (abs(float(rows[0] @ rows[1]) - 1) < 1e-9) == (set(terms(first)) == set(terms(second)))


@quickly
@given(TEXTS, TEXTS)
def test_inner_product_is_the_cosine_of_the_sets_of_terms(first, second):
    one, other = set(terms(first)), set(terms(second))
    rows = features(first, second)
    expected = len(one & other) / max(len(one) * len(other), 1) ** 0.5
    assert float(rows[0] @ rows[1]) == pytest.approx(expected, abs=1e-12)


@quickly
@given(st.lists(st.sampled_from("write the word backwards now".split()), min_size=1, max_size=6), st.randoms())
def test_case_and_punctuation_do_not_matter(words, random):
    noisy = random.choice(["", '"', "- "])
    for word in words:
        noisy += random.choice([word, word.upper(), word.title()]) + random.choice([" ", ", ", "!\n", " - ", "... "])
    assert terms(noisy) == terms(" ".join(words))


def test_order_of_words_and_the_first_word_matter():
    rows = features("sort words and count them", "count them and sort words")
    assert 0 < rows[0] @ rows[1] < 1
    assert set(terms("sort words")) & set(terms("words sort")) == {"sort", "words"}


def test_repeated_word_is_one_term():
    assert list(terms("again and again and again")).count("again") == 1
    assert len(set(terms("a a a"))) == len(terms("a a a")) == 3


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("把单词倒过来写", "把单词倒过来读"),
        ("単語を逆から書く", "単語を逆から読む"),
        ("เขียนคำย้อนกลับ", "อ่านคำย้อนกลับ"),
        ("ຂຽນຄຳ", "ອ່ານຄຳ"),
        ("단어를거꾸로쓰세요", "단어를거꾸로읽으세요"),
    ],
    ids=["Chinese", "Japanese", "Thai", "Lao", "Korean"],
)
def test_text_of_script_without_spaces_has_several_terms(text, changed):
    """A text of which a part is changed is similar, but not equal."""
    assert len(terms(text)) > 5
    rows = features(text, changed)
    assert 0.1 < rows[0] @ rows[1] < 0.99


@pytest.mark.parametrize("text", ["Wordを書く", "把Word倒过来", "把2个单词", "write書く"])
def test_script_without_spaces_beside_a_latin_word_is_separated_from_it(text):
    words = [term for term in terms(text) if " " not in term]
    spaced = "".join(f" {character} " if ord(character) > 127 else character for character in text)
    assert words == list(dict.fromkeys(spaced.lower().split()))


@pytest.mark.parametrize("text", ["ÉCRIS le MOT", "Schreibe größer", "напиши СЛОВО", "γράψε τη λέξη", "l'été 2024"])
def test_words_of_spaced_scripts_stay_whole(text):
    words = [term for term in terms(text) if " " not in term]
    assert words == list(dict.fromkeys(text.lower().replace("'", " ").split()))


@quickly
@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4))
def test_unknown_terms_are_the_last_columns(known, texts):
    """So that features of new texts can be compared with those of known ones, which are shorter."""
    vocabulary = Vocabulary(known)
    own, rows = vocabulary.features(known), vocabulary.features(texts)
    every = {term for text in known for term in terms(text)}
    unknown = {term for text in texts for term in terms(text)} - every
    assert own.shape == (len(known), len(every))
    assert rows.shape == (len(texts), len(every) + len(unknown))
    assert ((rows[:, len(every) :] != 0).any(0)).all()
    together = vocabulary.features([*known, *texts])
    np.testing.assert_allclose(own @ rows[:, : len(every)].T, together[: len(known)] @ together[len(known) :].T)


def test_features_of_new_texts_do_not_change_the_vocabulary():
    vocabulary = Vocabulary(["sort them"])
    before = vocabulary.features(["sort them"])
    vocabulary.features(["count words"])
    assert vocabulary.features(["sort them"]).equal(before)


def test_features_without_texts_are_empty():
    assert Vocabulary([]).features([]).shape == (0, 0)
    assert Vocabulary(["sort"]).features([]).shape == (0, 2)
