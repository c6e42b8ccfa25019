"""The corpus: correct answers, held-out inputs for the task files, numerous phrasings with a held-out part."""

import re
from random import Random

import pytest

from training.corpus import grammar, lexicon
from training.corpus.letters import plural
from training.corpus.lists import many
from training.corpus.numbers import ELEMENTS, verbal
from training.corpus.registry import FAMILIES_OF, SHIPPED, TASKS, is_held_out_input, training_input
from training.corpus.rows import UNKNOWN, black_box_prompt, black_box_rows, writer_exemplars, writer_prompt
from training.corpus.vague import FAMILIES


def inputs(name: str, count: int = 60) -> list[str]:
    rng = Random(f"test/{name}")
    return [training_input(TASKS[name], rng) for _ in range(count)]


def answer(name: str, text: str) -> str:
    answers = TASKS[name].answer(text)
    assert answers
    return answers[0]


def test_task_names_are_unique_and_siblings_exist() -> None:
    assert len(SHIPPED) == len(set(SHIPPED)) == 32
    for name, task in TASKS.items():
        assert task.name == name
        assert set(task.siblings) <= set(TASKS)
        assert task.name not in task.siblings


@pytest.mark.parametrize("name", ["first_word_letter", "second_word_letter", "last_letter"])
def test_letter_tasks_give_letter_of_input(name: str) -> None:
    index = {"first_word_letter": 0, "second_word_letter": 1, "last_letter": -1}[name]
    assert all(answer(name, word) == list(word)[index] for word in inputs(name))


def test_letters_list_separates_letters() -> None:
    for word in inputs("letters_list"):
        letters = answer("letters_list", word).split(" ")
        assert all(len(letter) == 1 for letter in letters)
        assert "".join(letters) == word


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("town", "towns"),
        ("lady", "ladies"),
        ("boy", "boys"),
        ("beach", "beaches"),
        ("wolf", "wolves"),
        ("box", "boxes"),
    ],
)
def test_plural_gives_expected_form(word: str, expected: str) -> None:
    assert plural(word) == expected


def test_antonyms_are_symmetric() -> None:
    for word in inputs("antonyms"):
        for opposite in TASKS["antonyms"].answer(word) or ():
            assert word in (TASKS["antonyms"].answer(opposite) or ())


@pytest.mark.parametrize("code", ["de", "fr", "es"])
def test_translation_tables_are_large_and_valid(code: str) -> None:
    table = TASKS[f"translation_en-{code}"].table
    assert len(table) >= 200
    assert all(answer(f"translation_en-{code}", word).strip() for word in table)


@pytest.mark.parametrize("name", ["sum", "diff", "larger_number", "smaller_number"])
def test_number_tasks_give_expected_result(name: str) -> None:
    for text in inputs(name):
        first, second = map(int, text.split())
        expected = {
            "sum": first + second,
            "diff": first - second,
            "larger_number": max(first, second),
            "smaller_number": min(first, second),
        }[name]
        assert int(answer(name, text)) == expected >= 0


def spoken(text: str) -> int:
    """Convert a number in words back to an integer, independently of the corpus."""
    values = {word: value for value, word in enumerate(lexicon.UNITS)}
    values |= {word: 10 * value for value, word in enumerate(lexicon.TENS)}
    total = group = 0
    for word in re.findall("[a-z]+", text.replace(" and ", " ")):
        if word == "thousand":
            total, group = total + 1000 * group, 0
        else:
            group = 100 * group if word == "hundred" else group + values[word]
    return total + group


def test_numbers_in_words_convert_back_to_numbers() -> None:
    assert verbal(4021) == "four thousand and twenty-one"
    assert verbal(9999) == "nine thousand, nine hundred and ninety-nine"
    assert all(spoken(verbal(number)) == number for number in range(10_000))


def test_elements_are_listed_by_atomic_number() -> None:
    assert len(ELEMENTS) == len(set(ELEMENTS)) == 118
    assert [ELEMENTS[number - 1] for number in (1, 8, 26, 79, 92, 118)] == [
        "hydrogen", "oxygen", "iron", "gold", "uranium", "oganesson",
    ]  # fmt: skip


def test_animals_and_things_are_disjoint() -> None:
    animals, things = lexicon.words("animals.txt"), lexicon.words("things.txt")
    animals = tuple(word for word in animals if word in lexicon.animal_sizes())
    assert len(set(animals)) == len(animals)
    assert not set(animals) & set(things)


def test_larger_animal_gives_larger_one() -> None:
    sizes = lexicon.animal_sizes()
    for text in inputs("larger_animal"):
        larger, smaller = answer("larger_animal", text), answer("smaller_animal", text)
        assert {larger, smaller} == set(text.split(", "))
        assert sizes[larger] > sizes[smaller]


def test_taxonomy_gives_animals_of_list() -> None:
    for text in inputs("taxonomy_animal"):
        chosen = answer("taxonomy_animal", text).split(", ")
        assert 4 <= len(text.split(", ")) <= 6
        assert chosen == [word for word in text.split(", ") if word in lexicon.animal_sizes()]


def test_sorting_gives_alphabetical_order() -> None:
    for text in inputs("word_sorting"):
        words = text.split()[1:]
        assert answer("word_sorting", text).split() == sorted(words)
        assert answer("reverse_list", text).split() == words[::-1]


def test_counting_gives_sum_of_counts() -> None:
    values = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4}
    for text in inputs("object_counting"):
        parts = re.split(r", and |, | and ", text.removeprefix("I have ").removesuffix("."))
        assert answer("object_counting", text) == str(sum(values[part.split()[0]] for part in parts))
        assert answer("kind_counting", text) == str(len(parts))
        assert answer("first_object", text) == parts[0].split()[1]
    assert many("mouse") == "mice"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The tourist supported the senators.", "The tourist did not support the senators."),
        ("The senators were born in Lisbon.", "The senators were not born in Lisbon."),
        ("The critic will visit the gallery.", "The critic will not visit the gallery."),
    ],
)
def test_negation_gives_expected_sentence(text: str, expected: str) -> None:
    assert answer("negation", text) == expected


def test_passive_swaps_actor_and_patient() -> None:
    assert answer("active_to_passive", "The critic thanked the plumbers.") == "The plumbers were thanked by the critic."
    for text in inputs("active_to_passive"):
        actor, patient = re.match(r"The (\w+) \w+ the (\w+)\.", text).groups()  # type: ignore[union-attr]
        assert re.fullmatch(rf"The {patient} (was|were) \w+ by the {actor}\.", answer("active_to_passive", text))


def test_starting_with_gives_words_with_marked_letter() -> None:
    for text in inputs("orthography_starts_with"):
        sentence, letter = text[:-4], text[-2]
        expected = {word for word in sentence.lower().strip(".").split() if word[0] == letter}
        assert set(answer("orthography_starts_with", text).split()) == expected
        assert answer("starts_with_count", text) == str(len(expected))


def test_sentiment_gives_that_of_last_part() -> None:
    assert answer("sentiment", "The film is dull but truly charming in the end.") == "positive"
    assert answer("sentiment", "Tedious, hollow script.") == "negative"


def test_training_input_is_never_held_out() -> None:
    for name, task in TASKS.items():
        assert not any(is_held_out_input(task, text) for text in inputs(name, 100)) or task.is_closed


def test_rows_with_same_seed_are_equal() -> None:
    first, second = Random(4), Random(4)
    assert [black_box_rows(first, 4) for _ in range(50)] == [black_box_rows(second, 4) for _ in range(50)]
    assert writer_exemplars(Random(9)) == writer_exemplars(Random(9))


def test_prompts_have_exact_form() -> None:
    assert black_box_prompt("add.", "1 2") == "Instruction: add.\n\nInput: 1 2\n\nOutput:"
    assert writer_prompt([("a", "b"), ("c", "d")]) == (
        "Input: a\nOutput: b\n\nInput: c\nOutput: d\n\nThe instruction was to"
    )


def test_clear_rows_use_no_held_out_phrasing() -> None:
    held_out = {text for task in TASKS.values() for text in grammar.clear_texts(task.good, held_out=True)}
    rng = Random(12)
    for _ in range(2000):
        (row,) = black_box_rows(rng, 1)
        assert row.prompt.split("\n\n")[0].removeprefix("Instruction: ") not in held_out


def test_rows_answer_no_held_out_input_with_its_task() -> None:
    owners = {text: TASKS[name] for name in SHIPPED for text in grammar.clear_texts(TASKS[name].good, held_out=False)}
    rng = Random(13)
    for row in (row for _ in range(1000) for row in black_box_rows(rng, 2)):
        instruction, text, _ = row.prompt.split("\n\n")
        task, text = owners.get(instruction.removeprefix("Instruction: ")), text.removeprefix("Input: ")
        assert task is None or task.answer(text) is None or not is_held_out_input(task, text)


def test_rows_of_group_share_instruction() -> None:
    rng = Random(14)
    groups = [black_box_rows(rng, 4) for _ in range(200)]
    assert {len(rows) for rows in groups} == {4}
    assert {len({row.prompt.split("\n\n")[0] for row in rows}) for rows in groups} == {1}


def test_unknown_is_answered_only_for_inputs_of_other_tasks() -> None:
    """The word "unknown" is also a synonym of "obscure", in which case the task answers it."""
    owners: dict[str, list[str]] = {}
    for name, task in TASKS.items():
        for text in grammar.clear_texts(task.good, held_out=False):
            owners.setdefault(text, []).append(name)
    rng = Random(15)
    found = 0
    for row in (row for _ in range(1500) for row in black_box_rows(rng, 2)):
        instruction, text, _ = (part.partition(": ")[2] for part in row.prompt.split("\n\n"))
        names = owners.get(instruction, ())
        if row.completion == f" {UNKNOWN}" and names:
            accepted = [TASKS[name].answer(text) for name in names]
            assert any(answers is None or UNKNOWN in answers for answers in accepted), row
            found += 1
    assert 75 < found < 300


@pytest.mark.parametrize("name", SHIPPED)
def test_phrasings_are_numerous_and_split(name: str) -> None:
    task = TASKS[name]
    taught = grammar.clear_texts(task.good, held_out=False)
    reserved = grammar.clear_texts(task.good, held_out=True)
    assert len(taught) >= 12
    assert reserved
    assert not set(taught) & set(reserved)
    assert not re.search(r"[{}|]|\bV\b|\bW\b", " ".join((*taught, *reserved)))
    assert task.plain_family in FAMILIES_OF[name]


def test_no_wording_belongs_to_two_tasks() -> None:
    owners: dict[str, set[str]] = {}
    for name in SHIPPED:
        for pattern in TASKS[name].good:
            for text in grammar.expand(pattern):
                owners.setdefault(text, set()).add(name)
    assert [text for text, names in owners.items() if len(names) > 1] == []
    vague = [text for family in FAMILIES.values() for pattern in family.patterns for text in grammar.expand(pattern)]
    assert len(vague) == len(set(vague))
    assert not set(vague) & set(owners)


def test_every_input_has_a_split_key() -> None:
    for name, task in TASKS.items():
        assert all(task.key(text) for text in inputs(name, 30)), name


def test_vague_families_share_all_inputs() -> None:
    for family in FAMILIES.values():
        assert sum(weight for _, weight in family.meanings) == pytest.approx(1)
        assert {name for name, _ in family.meanings} <= set(TASKS)


def test_ambiguous_instruction_is_resolved_by_input_alone() -> None:
    options = [("sum", 0.5), ("diff", 0.5)]
    assert grammar.resolve("x", options, "1 2") == grammar.resolve("x", options, "7 2")
    chosen = [grammar.resolve("x", options, f"1 {letter}")[0] for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert 5 < chosen.count("sum") < 21
