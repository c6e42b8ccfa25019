"""Tables of words, lists of things and formal phrases: complete, consistent, with matching answers."""

from collections import Counter
from random import Random

import pytest

from training.corpus import formality, knowledge, lexicon, relations
from training.corpus.registry import TASKS


def answers(name: str, text: str) -> tuple[str, ...]:
    found = TASKS[name].answer(text)
    assert found
    return found


@pytest.mark.parametrize("name", ["synonyms.txt", "rhymes.txt"])
def test_every_word_is_in_one_group(name: str) -> None:
    counts = Counter(word for words, further in lexicon.groups(name) for word in (*words, *further))
    assert len(counts) >= 200
    assert set(counts.values()) == {1}
    assert all(len(words) > 1 for words, _ in lexicon.groups(name))


def test_words_of_group_share_answers() -> None:
    assert answers("rhymes", "hat")[0] == "cat"
    assert answers("rhymes", "cat")[0] == "hat"
    assert answers("synonyms", "rapid") == ("swift", "speedy")
    assert TASKS["rhymes"].answer("orange") is None


def test_scrambled_words_have_one_training_solution() -> None:
    words = relations.unscrambled()
    assert len(words) == len(set(words.values())) == relations.UNSCRAMBLED
    rng = Random(1)
    for _ in range(200):
        text = TASKS["word_unscrambling"].draw(rng)
        solutions = answers("word_unscrambling", text)
        assert solutions[0] in words.values()
        assert text not in solutions
        assert {"".join(sorted(word)) for word in solutions} == {"".join(sorted(text))}
        assert answers("sorted_letters", text) == ("".join(sorted(text)),)
    assert answers("word_unscrambling", "ngtih") == ("night", "thing")
    assert relations.unscramble("night") is None
    assert relations.unscramble("thing") is None
    assert {others[0] for others, _ in lexicon.groups("anagrams.txt")} <= set(words.values())


def test_tables_of_classes_are_large_enough() -> None:
    assert len(knowledge.concepts()) >= 45
    assert all(len(set(members)) == len(members) >= 8 for members in knowledge.concepts().values())
    assert len(knowledge.categories()) >= 35
    assert all(len(set(members)) == len(members) >= 6 for members in knowledge.categories().values())


def test_three_members_identify_the_class() -> None:
    assert answers("common_concept", "kites, bats, gliders") == ("can fly.", "are able to fly.")
    assert answers("auto_categorization", "kiwi, apple, and plum") == ("fruits", "fruit")
    assert TASKS["auto_categorization"].answer("kiwi, apple, and violin") is None
    assert TASKS["common_concept"].answer("kites") is None


def test_odd_item_is_unique() -> None:
    assert answers("odd_one_out", "kiwi, apple, violin, plum, mango") == ("violin",)
    assert answers("without_stranger", "kiwi, apple, violin, plum, mango") == ("kiwi, apple, plum, mango",)
    assert TASKS["odd_one_out"].answer("kiwi, apple, cherry, plum, mango") is None
    assert TASKS["odd_one_out"].answer("kiwi, apple, violin, cello, mango") is None


def test_reordered_list_has_same_key() -> None:
    key = TASKS["auto_categorization"].key
    assert key("kiwi, apple, and plum") == key("plum, kiwi, and apple") != key("plum, kiwi, and peach")


def test_formal_sentences_contain_no_informal_phrase() -> None:
    assert answers("informal_to_formal", "I wanna fix the car asap.") == (
        "I would like to repair the vehicle as soon as possible.",
    )
    assert answers("informal_to_formal", "Can you eat there?") == ("Could you please dine there?",)
    assert answers("shortened", "I gotta eat there right now.") == ("I gotta eat there.",)
    assert answers("formal_deed", "I gotta fix the car.") == ("repair the vehicle",)
    for phrases in (formality.OPENERS, formality.VERBS):
        assert not set(phrases) & set(phrases.values())
