"""Thoughts are dropped, and the bare answer is found in what models write around it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.tasks.answers.forms import forms, unwrapped, without_thoughts


@pytest.mark.parametrize(
    "text",
    [
        "<think>Rome or Oslo?</think>Oslo",
        "<think>\nRome?\n</think>\n\nOslo\n",
        "<THINKING effort='low'>Rome?</THINKING> Oslo",
        "<reasoning>Rome?</reasoning>Oslo",
        "<think>Rome?</think><think>Bern?</think>Oslo",
        "<think>Is <think> a tag?</think> No.</think>Oslo",
        "Rome? Bern? </think> Oslo",
        "[THINK]Rome?[/THINK]Oslo",
        "Oslo <think>or was it Rome?</think>",
        "Oslo\n<think>or was it Ro",
        "<think>Rome?</think>Oslo<think>or was it Ro",
        "<|channel|>analysis<|message|>Rome?<|end|><|start|>assistant<|channel|>final<|message|>Oslo<|return|>",
        "<|channel|>final<|message|>Rome<|end|><|channel|>final <|constrain|>json<|message|>Oslo",
        "analysisThe user asks for a capital.assistantfinalOslo",
    ],
)
def test_without_thoughts_returns_what_follows_the_last_of_them(text):
    assert without_thoughts(text) == "Oslo"


@pytest.mark.parametrize(
    "text",
    [
        "<think>Rome or Os",
        "  <thinking>Rome",
        "<think>Rome</think>",
        "<think></think><think>Rome",
        "<|channel|>analysis<|message|>Rome or Os",
        "<|channel|>commentary<|message|>Rome<|end|>",
    ],
)
def test_without_thoughts_of_text_of_thoughts_only_is_empty(text):
    assert without_thoughts(text) == ""


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="<[◁")) | st.sampled_from(["a < b > c", "[1]", "analysis of x", ""]))
def test_without_thoughts_leaves_other_texts_as_they_are(text):
    assert without_thoughts(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "  Oslo\n",
        "**Oslo**",
        "*Oslo*.",
        "__Oslo__",
        "`Oslo`",
        "```\nOslo\n```",
        "```text\nOslo\n```",
        "```Oslo```",
        "Here it is:\n\n```\nOslo\n```\nIt is in Norway.",
        r"\boxed{Oslo}",
        r"So we have $\boxed{\text{Oslo}}$ in the end.",
        r"First \boxed{Rome}, then \boxed{\textbf{Oslo}}.",
        "<answer>Rome</answer> No, <answer> Oslo </answer>",
        '"Oslo"',
        "'Oslo'",
        "“Oslo”",
        "„Oslo“",
        "«Oslo»",
        "»Oslo«",
        "「Oslo」",
        "『Oslo』",
        "Answer: Oslo",
        "ANSWER : Oslo",
        "Answer：Oslo",
        "**Answer:** Oslo",
        "**Answer: Oslo**",
        "## Final answer\n\nOslo",
        "**Answer**\nOslo",
        'The answer is "Oslo".',
        "The answer to your question is Oslo.",
        "Final answer – Oslo",
        "So, the correct answer is: **Oslo**.",
        "It must be in the north.\n\nFinal answer: Oslo",
        "It must be in the north.\nAnswer: Oslo",
        "Die Antwort lautet Oslo.",
        "La réponse est « Oslo ».",
        "La respuesta es Oslo.",
        "Risposta: Oslo",
        "Ответ: Oslo",
        "Правильный ответ — Oslo",
        "答案：Oslo",
        "答案是Oslo。",
        "答えはOsloです。",
        "정답은 Oslo입니다.",
        "คำตอบคือ Oslo",
        "الجواب: Oslo",
        "उत्तर: Oslo",
        "Απάντηση: Oslo",
    ],
)
def test_unwrapped_returns_bare_answer(text):
    assert unwrapped(text) == "Oslo"


@pytest.mark.parametrize(
    "text",
    [
        "Oslo. It is in Norway.",
        "'a', 'b'",
        '"a", "b"',
        "**a** and **b**",
        '["a", "b"]',
        "$5",
        "it's 'it'",
        '""',
        "Answer:",
        "The answer is",
        "답답하다",
        "a_b_c",
        "no\nQuestion: Is it cold?\nAnswer: yes",
    ],
)
def test_unwrapped_leaves_what_is_no_wrapping(text):
    assert unwrapped(text) == text


def test_unwrapped_of_sentence_drops_its_full_stop_but_none_of_an_abbreviation():
    assert forms("The answer is It rains.") == ("The answer is It rains.", "It rains.", "It rains")
    assert unwrapped("The answer is 5 a.m.") == "5 a.m."
    assert unwrapped("Answer: It rains.") == "It rains."


@settings(deadline=None)
@given(st.text() | st.text("*_`\"'$\\{}boxed <>answer:.\n“”«»Answer is", max_size=30))
def test_unwrapped_is_never_longer_and_has_nothing_left_to_unwrap(text):
    bare = unwrapped(text)
    assert len(bare) <= len(text)
    assert unwrapped(bare) == bare
    assert bool(bare) == bool(text.strip())
