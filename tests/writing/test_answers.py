"""Reading several texts out of the answer of a chat model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.writing.answers import read_texts

LINES = "Read the review.\n\n- Say whether it is good.\n- Answer with one word."


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ("<prompt>A b</prompt>\n<prompt>C d</prompt>", ["A b", "C d"]),
        (f"First:\n<prompt>\n{LINES}\n</prompt>\nSecond: <prompt>C</prompt> Done.", [LINES, "C"]),
        ("<prompt>A</prompt>", ["A", ""]),
        ("<prompt>A</prompt><prompt>The answer is cut of", ["A", "The answer is cut of"]),
        ("<prompt>A\n<prompt>B</prompt>", ["A", "B"]),
        ("<prompt 1>A</prompt 1>\n<prompt_2>B</prompt_2>", ["A", "B"]),
        ('<prompt id="1">A</prompt>\n<prompt id="2">B</prompt>', ["A", "B"]),
        ("I write each between <prompt> and </prompt>.\n<prompt>A</prompt>\n<prompt>B</prompt>", ["A", "B"]),
        ("<prompt>Draft</prompt> No: <prompt>A</prompt> <prompt>B</prompt>", ["A", "B"]),
        ("<think>Maybe <prompt>X</prompt> <prompt>Y</prompt></think><prompt>A</prompt><prompt>B</prompt>", ["A", "B"]),
        ("<think>Maybe <prompt>X</prompt> and then", ["", ""]),
        ("<prompt>\n```\nA\nb\n```\n</prompt>\n<prompt>**B c.**</prompt>", ["A\nb", "B c."]),
        ("```\n<prompt>A</prompt>\n<prompt>B</prompt>\n```", ["A", "B"]),
        ("<prompt></prompt><prompt>B</prompt>", ["B", ""]),
        ("Sure!\n\n1. Sort the words.\n2. Order them.\n\nLet me know!", ["Sort the words.", "Order them."]),
        ("1) **Short:** Sort.\n2) **Long**: Read, then sort.", ["Sort.", "Read, then sort."]),
        ("**Prompt 1:** Sort.\n\n**Prompt 2:** Order.", ["Sort.", "Order."]),
        ("```\n1. Sort.\n2. Order.\n```", ["Sort.", "Order."]),
        ('["Sort.", "Order\\nthem."]', ["Sort.", "Order\nthem."]),
        ('```json\n["Sort.", "Order."]\n```', ["Sort.", "Order."]),
        ('{"Sort.": "Order."}', ['{"Sort.": "Order."}', ""]),
        ("<prompt>\n1. Sort.\n2. Order.\n</prompt>", ["Sort.", "Order."]),
        ("<prompt>1. Read.\n2. Sort.\n3. Answer.</prompt>", ["1. Read.\n2. Sort.\n3. Answer.", ""]),
        ("Sort the words.", ["Sort the words.", ""]),
        ("Sort.</prompt>", ["Sort.", ""]),
        ("I'm sorry, but I can't help with that.", ["", ""]),
        ("", ["", ""]),
    ],
)
def test_read_texts_returns_as_many_texts_as_were_asked_for(answer: str, texts: list[str]) -> None:
    assert read_texts(answer, 2) == texts


def test_read_texts_keeps_nested_list_in_its_item() -> None:
    assert read_texts("1. Read:\n   1. the title\n   2. the text\n2. Sort.", 2) == [
        "Read:\n   1. the title\n   2. the text",
        "Sort.",
    ]


def test_read_texts_of_single_text_takes_last_one() -> None:
    assert read_texts("<prompt>Draft</prompt>\n<prompt>Sort.</prompt>", 1) == ["Sort."]


words = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1).filter(str.strip)


@given(st.lists(words.map(lambda text: f"Do {text.strip()} now"), min_size=1, max_size=5))
def test_read_texts_returns_what_was_marked(texts: list[str]) -> None:
    answer = "\n".join(f"<prompt>{text}</prompt>" for text in texts)
    assert read_texts(answer, len(texts)) == texts


@given(st.text(), st.integers(1, 6))
def test_read_texts_returns_stripped_texts_of_any_answer(answer: str, parts: int) -> None:
    texts = read_texts(answer, parts)
    assert len(texts) == parts
    assert all(text == text.strip() for text in texts)
