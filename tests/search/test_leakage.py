"""Leaks: texts that count as copied training data, and texts that do not."""

import json
from importlib import resources

import pytest

from instructzero.search.leakage import leaks
from instructzero.types import Example


def exemplars(*pairs):
    return [Example(given, outputs if isinstance(outputs, tuple) else (outputs,)) for given, outputs in pairs]


ANTONYMS = exemplars(("hot", "cold"), ("up", "down"), ("polite", ("rude", "impolite")), ("in", "out"))
SENTIMENT = exemplars(
    ("A dull and lifeless film.", "negative"),
    ("Witty, heartfelt cast.", "positive"),
    ("I loved every minute of it.", "positive"),
    ("Not worth the ticket.", "negative"),
    ("It is what it is.", "neutral"),
)
TABLES = {
    "capitals": exemplars(("Peru", "Lima"), ("Norway", "Oslo"), ("New Zealand", "Wellington")),
    "ascii": exemplars(("5", "53"), ("7 5", "55 53"), ("a", "97")),
    "first letter": exemplars(("belt", "b"), ("finish", "f"), ("bone", "b")),
    "numbers": exemplars(("4120", "four thousand"), ("-3.5", "minus three and a half"), ("12", "twelve")),
    "plurals": exemplars(("word", "words"), ("don't", "don'ts")),
    "next": exemplars(("a", "b"), ("1 2", "3"), ("-40", "-39")),
    "french": exemplars(("letter", "lettre"), ("answer", "réponse"), ("l'école", "the school")),
}


@pytest.mark.parametrize(
    "instruction",
    [
        "Write the antonym, for example hot -> cold",
        "Write the antonym (hot→cold).",
        "Write the antonym: hot/cold.",
        'Write the antonym. "Hot","Cold".',
        "Write the antonym. Input: HOT. Output: cold!",
        "If the word is hot, the right thing to write would be cold.",
        "Cold is for hot as the output is for the input.",
        "**hot**: *cold*",
        "Give the opposite:\nhot\ncold",
    ],
)
def test_copied_pair_is_a_leak_in_any_form(instruction):
    assert leaks(instruction, ANTONYMS) == (ANTONYMS[0],)


@pytest.mark.parametrize(
    ("table", "instruction", "copied"),
    [
        ("capitals", "Name the capital, as in Peru: Lima.", ["Peru"]),
        ("capitals", "Name the capital, such as Wellington.", ["New Zealand"]),
        ("capitals", "Name the capital of new zealand.", ["New Zealand"]),
        ("capitals", "Norway, Oslo; Peru, Lima", ["Peru", "Norway"]),
        ("ascii", "Write the code: 5 -> 53", ["5"]),
        ("ascii", "Write the code, so that a becomes 97.", ["a"]),
        ("ascii", "Write the codes, such as 55 53.", ["7 5"]),
        ("first letter", "Write the first letter, as in belt: b", ["belt"]),
        ("first letter", "Write the first letter of finish.", ["finish"]),
        ("numbers", "Write numbers like 4,120 in words.", ["4120"]),
        ("numbers", "Write -3.5 as minus three and a half.", ["-3.5"]),
        ("numbers", "Write 12 as twelve.", ["12"]),
        ("plurals", "Write the plural, such as don’ts for don’t.", ["don't"]),
        ("next", "Write what comes next: 1 2 -> 3.", ["1 2"]),
        ("next", "Add one (-40→-39).", ["-40"]),
        ("french", "Translate. letter: lettre", ["letter"]),
        ("french", "Translate l’école.", ["l'école"]),
    ],
)
def test_long_texts_are_leaks(table, instruction, copied):
    assert [exemplar.input for exemplar in leaks(instruction, TABLES[table])] == copied


@pytest.mark.parametrize(
    ("table", "instruction"),
    [
        ("capitals", "Name the capital of Peru."),  # four letters may occur by chance
        ("capitals", "Be climate-neutral: peruse the limas."),  # parts of words
        ("capitals", ""),
        ("ascii", "Answer in 5 words or 7 lines; 53 is too many."),
        ("ascii", "Write a number for each character, 97 of them at most."),
        ("first letter", "Write the first letter, b or f for instance."),
        ("numbers", "Write numbers up to 412 in words, not in 12 digits."),
        ("numbers", "Round 3.5 up."),  # not -3.5
        ("plurals", "Don't repeat the word: write words only."),
        ("next", "Write the letter after it, as in the alphabet: a b c."),
        ("next", "If lines 1 2 are equal, stop."),
        ("next", "Add one to 40, not 39."),
        ("french", "Translate the answer letter by letter into French."),  # words that are common in instructions
    ],
)
def test_chance_words_are_no_leak(table, instruction):
    assert leaks(instruction, TABLES[table]) == ()


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a word that means the opposite.",
        "Write out the word in lower case.",  # ("in", "out") by chance
        "Is it hot? Then say so.",
        "Go down the list.",
        "Scold the hotel.",
    ],
)
def test_half_a_short_pair_is_no_leak(instruction):
    assert leaks(instruction, ANTONYMS) == ()


@pytest.mark.parametrize(
    "instruction",
    [
        "Answer positive or negative.",
        "Say whether the review is positive, negative or neutral.",  # neutral once, but the task is one of labels
        "It is positive if the writer is happy with the film.",
    ],
)
def test_labels_are_no_leaks(instruction):
    assert leaks(instruction, SENTIMENT) == ()


def test_input_of_labelled_example_is_a_leak():
    instruction = 'Answer positive or negative: "Not worth the ticket" is negative.'
    assert leaks(instruction, SENTIMENT) == (SENTIMENT[3],)


def test_one_shared_output_does_not_make_other_outputs_labels():
    task = exemplars(
        *((f"question {number}", f"unusual{number}") for number in range(8)), ("q", "twice"), ("r", "twice")
    )
    assert leaks("Say twice or unusual3.", task) == (task[3],)


def test_leak_of_any_accepted_answer_is_found():
    assert leaks("polite becomes rude", ANTONYMS) == (ANTONYMS[2],)
    assert leaks("Such as impolite.", ANTONYMS) == (ANTONYMS[2],)


def test_text_of_punctuation_is_no_leak():
    assert leaks("Which one? + or -", exemplars(("?", "!"), ("+", "plus sign"))) == ()


def test_pair_of_equal_texts_is_no_leak():
    assert leaks("Spend your gold.", exemplars(("gold", "Gold"))) == ()


def test_long_input_is_a_leak_only_as_a_whole():
    task = exemplars(("The chemist blamed the mechanics. [b]", "blamed"))
    assert leaks("Write the words with the letter: The chemist blamed the mechanics. [b] gives blamed.", task)
    assert not leaks("The chemist is no mechanic.", task)


def test_leaks_without_exemplars_are_none():
    assert leaks("Write the antonym, for example hot -> cold", []) == ()


def test_descriptions_of_builtin_tasks_have_no_leaks():
    folder = resources.files("instructzero") / "tasks" / "builtin"
    for file in folder.iterdir():
        task = json.loads(file.read_text(encoding="utf-8"))
        search = [Example(row["input"], tuple(row["outputs"])) for row in task["search"]]
        assert leaks(task["description"], search) == ()
        copied = next(example for example in search if len(example.input) > 9 or example.input != example.outputs[0])
        assert copied in leaks(f"{task['description']} {copied.input} -> {copied.outputs[0]}", search), task["name"]
