"""The instruction that is extracted from the text of a model."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from instructzero.writing.cleaning import clean, is_settled, one_line, unfenced, without_thoughts

CASES = [
    # A model of plain text, which continues the cue.
    (" name the capital of the country.", "name the capital of the country."),
    (" name the capital.\n\nInput: Peru\nOutput: Lima", "name the capital."),
    (" name the capital.\nInput: Peru", "name the capital."),
    (" name the capital.\n\nThe capital of Peru is Lima.", "name the capital."),
    ("name\nthe capital", "name the capital"),
    (' "name the capital."\n\nInput: Peru', "name the capital."),
    (" name the capital.</s><s> Peru", "name the capital."),
    (
        " do two things:\n\n1. find the verb\n2. write it\n\nInput: he runs",
        "do two things: 1. find the verb 2. write it",
    ),
    (" do two things:\n\n- find the verb\n\n- write it\n\nThat is all.", "do two things: - find the verb - write it"),
    ("The instruction was to add the numbers.\n\nThe sum is 5.", "add the numbers."),
    ("'it' and 'that'", "'it' and 'that'"),
    # Preambles.
    ("Sure! Here is the instruction:\n\nAdd the two numbers.", "Add the two numbers."),
    ("Certainly! Here's an instruction that fits all pairs:\n\nAdd the two numbers.", "Add the two numbers."),
    ("Sure, I can help with that! Here is a prompt: Add the two numbers.", "Add the two numbers."),
    ("The instruction was to:\n\nAdd the two numbers.", "Add the two numbers."),
    ("The instruction was: Add the two numbers.", "Add the two numbers."),
    ('The instruction was "Add the two numbers."', "Add the two numbers."),
    ("Based on the examples, the instruction is:\n\nAdd the two numbers.", "Add the two numbers."),
    ("Based on these examples, the instruction was to add the two numbers.", "add the two numbers."),
    ("Looking at the pairs you gave, the instruction is likely:\nAdd the two numbers.", "Add the two numbers."),
    ("The most likely instruction behind these pairs is the following: Add them.", "Add them."),
    ("A possible instruction would be: Add the two numbers.", "Add the two numbers."),
    ("The task is to add the two numbers.", "add the two numbers."),
    ("Okay.\n\nMy instruction is:\n\nAdd the two numbers.", "Add the two numbers."),
    ("Of course — here you go:\nAdd the two numbers.", "Add the two numbers."),
    ("Below is an instruction that leads from input to output:\n\nAdd them.", "Add them."),
    # Headings and marks.
    ("**Instruction:** Add the two numbers.", "Add the two numbers."),
    ("**Instruction**\n\nAdd the two numbers.", "Add the two numbers."),
    ("### Instruction\nAdd the two numbers.", "Add the two numbers."),
    ("## Final prompt:\n\nAdd the two numbers.", "Add the two numbers."),
    ("Improved instruction: Add the two numbers.", "Add the two numbers."),
    ("**Add the two numbers.**", "Add the two numbers."),
    ("Here it is:\n\n**Add the two numbers.**\n\nIt is short.", "Add the two numbers."),
    ("> Add the two numbers.\n> Write only the sum.", "Add the two numbers. Write only the sum."),
    ("- Add the two numbers.", "Add the two numbers."),
    ("---\nAdd the two numbers.\n---\nShorter than before.", "Add the two numbers."),
    ("Write **only** the sum.", "Write **only** the sum."),
    # Several lines and paragraphs.
    ("Read both numbers.\nAdd them.\nWrite the sum.", "Read both numbers. Add them. Write the sum."),
    ("Read both numbers carefully.\n\nThen write their sum.", "Read both numbers carefully. Then write their sum."),
    ("Here are the steps:\n1. Read both numbers.\n2. Add them.", "1. Read both numbers. 2. Add them."),
    ("Follow these steps:\n\n1. Read both.\n\n2. Add them.", "Follow these steps: 1. Read both. 2. Add them."),
    ("The instruction was to:\n- read both numbers\n- add them", "- read both numbers - add them"),
    ("Do this:\r\n\r\n* read both\r\n* add them\r\n", "Do this: * read both * add them"),
    ("Answer in two parts: first the sum, then the product.", "Answer in two parts: first the sum, then the product."),
    # Fences and quotes.
    ("```\nAdd the two numbers.\n```", "Add the two numbers."),
    ("```text\nAdd the two numbers.\nWrite the sum.\n```\nReady to use.", "Add the two numbers. Write the sum."),
    ("Here is the prompt:\n\n```\nAdd them.\n\nInput: any\n```\n\nHappy prompting!", "Add them. Input: any"),
    ("~~~\nAdd the two numbers.", "Add the two numbers."),
    ("`Add the two numbers.`", "Add the two numbers."),
    ("Sure:\n\n“Add the two numbers.”\n\nIt covers every pair.", "Add the two numbers."),
    ('"Add the two numbers.\n\nWrite the sum."\n\nIt covers every pair.', "Add the two numbers. Write the sum."),
    ('Write "yes" or "no"', 'Write "yes" or "no"'),
    # Remarks after it.
    ("Add the two numbers.\n\nLet me know if you need another one.", "Add the two numbers."),
    ("Add the two numbers. Let me know if you need another one.", "Add the two numbers."),
    ("Add the two numbers.\n\nThis instruction covers all of the pairs.", "Add the two numbers."),
    ("Add the two numbers.\n\n**Explanation:** every output is a sum.", "Add the two numbers."),
    ("Add the two numbers.\n\nIn each example, the output is a sum.", "Add the two numbers."),
    ("Add the two numbers.\n\nI inferred this from the sums.\n\nI hope this helps!", "Add the two numbers."),
    ("Add the two numbers.\n\nExamples:\n\nInput: 1 2\nOutput: 3", "Add the two numbers."),
    ("Add the two numbers.\n\n**Input:** 1 2\n**Output:** 3", "Add the two numbers."),
    ("Add the two numbers.\n\nExample 1:\nInput 1: 1 2", "Add the two numbers."),
    # Thoughts and channels.
    ("<think>\nSums?\n\nYes.\n</think>\n\nAdd the two numbers.", "Add the two numbers."),
    ("<thinking>Sums.</thinking>Add the two numbers.", "Add the two numbers."),
    ("Okay, these are sums.\n\nInput: 1 2 gives 3.\n</think>\n\nAdd the two numbers.", "Add the two numbers."),
    ("okay, sums.\n\nSo I add.</think>\n\nAdd the two numbers.", "Add the two numbers."),
    ("Add the two numbers.<think>Is that all?", "Add the two numbers."),
    ("<think></think>Sure! Here it is:\n**Instruction:** Add them.", "Add them."),
    (
        "<|channel|>analysis<|message|>Sums.<|end|><|start|>assistant<|channel|>final<|message|>Add them.<|return|>",
        "Add them.",
    ),
    ("analysisThese are sums.\n\nSo add.assistantfinalAdd the two numbers.", "Add the two numbers."),
    # Special tokens.
    ("Add the two numbers.<|im_end|>\n<|im_start|>user\nThanks", "Add the two numbers."),
    ("<|im_start|>assistant\nAdd the two numbers.<|im_end|>", "Add the two numbers."),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nAdd them.<|eot_id|>", "Add them."),
    ("<bos>Add the two numbers.<eos><eos>", "Add the two numbers."),
    ("Add the two numbers.<end_of_turn>", "Add the two numbers."),
    # Other languages and scripts.
    ("Écris le pluriel du mot.\n\nÉcris-le en minuscules.", "Écris le pluriel du mot. Écris-le en minuscules."),
    ("« Écris le pluriel du mot. »\n\nBonne journée !", "Écris le pluriel du mot."),
    ("Voici :\n\n« Écris le pluriel du mot. »", "Écris le pluriel du mot."),
    ("Anweisung: Bilde den Plural.", "Bilde den Plural."),
    ("„Bilde den Plural.“", "Bilde den Plural."),
    ("Щелкни:\n\n```\nНапиши слово наоборот.\n```", "Напиши слово наоборот."),
    ("把两个数相加。", "把两个数相加。"),
    ("把两个数相加。\n只写结果。", "把两个数相加。 只写结果。"),
    ("当然，如下：\n\n“把两个数相加。”\n\n希望有用。", "把两个数相加。"),
    ("结果如下：\n\n**把两个数相加。**", "把两个数相加。"),
    ("指令：把两个数相加。", "把两个数相加。"),
    ("把两个数相加。\n\n输入：1 2\n输出：3", "把两个数相加。"),
    ("请依次完成：\n1、读两个数\n2、写出和", "请依次完成： 1、读两个数 2、写出和"),
    ("「二つの数を足してください。」", "二つの数を足してください。"),
    ("次のとおりです：\n\n『二つの数を足す。』\n\nご確認ください。", "二つの数を足す。"),
    (
        "二つの数を足してください。\n\n答えだけを書いてください。",
        "二つの数を足してください。 答えだけを書いてください。",
    ),
    ("<think>足し算だ。</think>二つの数を足す。<|im_end|>", "二つの数を足す。"),
    ("اجمع العددين.\n\nاكتب الناتج فقط.", "اجمع العددين. اكتب الناتج فقط."),
    ("حسنًا:\n\n«اجمع العددين.»\n\nبالتوفيق", "اجمع العددين."),
    ("```\nاجمع العددين.\n```", "اجمع العددين."),
    # Little or nothing.
    ("", ""),
    ("   \n\n  ", ""),
    ("</s>", ""),
    ("<think></think>", ""),
    ("<eos><pad><pad>", ""),
    ("<think>Are these sums? I add", "Are these sums? I add"),
    ("Sure!", "Sure!"),
    ("The instruction was to", "The instruction was to"),
    ("Here is the instruction:", "Here is the instruction:"),
    ("Add them.</think>", "Add them."),
    ("Input: 1 2\nOutput: 3", "Input: 1 2"),
]


@pytest.mark.parametrize(("raw", "instruction"), CASES)
def test_clean_keeps_instruction_of_written_text(raw, instruction):
    assert clean(raw) == instruction


@pytest.mark.parametrize(
    "instruction",
    [
        "Answer in two parts: first the sum, then the product.",
        "Given a number, write its square: 4 gives 16.",
        "From the two version numbers, write the larger one: 1.2 or 1.10.",
        "This sentence has a mistake. Correct it.",
        "Okay or not okay: which one is the review?",
        "Replace every name by <name> and every place by <place>.",
        "If you see a date, write it as YYYY-MM-DD.",
        "Write 3.5 as 3,5.",
        "Iterate over the list and write every second word.",
    ],
)
def test_clean_keeps_whole_instruction_that_looks_like_a_preamble(instruction):
    assert clean(instruction) == instruction


@given(st.text())
def test_clean_returns_one_line_without_outer_space(raw):
    for instruction in (clean(raw), one_line(raw)):
        assert instruction == " ".join(instruction.split())


def test_clean_keeps_instruction_before_and_after_many_line_breaks():
    assert clean("\n" * 9999 + "Read it." + " \n" * 9999 + "Sort it." + "\n" * 9999) == "Read it. Sort it."


def test_one_line_keeps_whole_text():
    assert one_line(' "write it.\n\nInput: a word" ') == "write it. Input: a word"


def test_without_thoughts_keeps_answer_without_thoughts():
    assert without_thoughts("Sort.") == "Sort."
    assert without_thoughts("<think>Sort.</think>") == "<think>Sort.</think>"


def test_unfenced_keeps_text_with_fence_inside():
    assert unfenced("```\nSort.\n```").strip() == "Sort."
    assert unfenced("Sort:\n```\na\n```") == "Sort:\n```\na\n```"


PIECES = [
    "\n",
    "\n\n",
    " ",
    "\t",
    "\u3000",
    "Input",
    "input",
    "OUTPUT",
    "Instruction",
    "Instruction:",
    ":",
    "：",
    '"',
    "a",
    "sort it.",
    "Sort it.",
    "\ufffd",
    "1",
    ".",
    "2. ",
    "- ",
    "```",
    "**",
    "Sure",
    "sure!",
    "okay",
    "here is the instruction:",
    "The instruction was to",
    "Let me know",
    "This instruction",
    "Explanation",
    "Example:",
    "<think>",
    "</think>",
    "<",
    "</s>",
    "<|im_end|>",
    "<|channel|>final<|message|>",
    "analysis",
    "We",
    "assistantfinal",
    "把两个数相加。",
]
TEXTS = st.lists(st.sampled_from([*PIECES, *PIECES[:4]]), max_size=12).map("".join)
SETTLED = st.builds("{}{}\n\n{}".format, TEXTS, st.sampled_from(["sort it.", "do:", "- a"]), TEXTS)


@given(TEXTS | SETTLED, TEXTS)
@example("sort it\n\n", "</think>\n\nAdd.")
@example("do:\n\n1. a\n\n2", ". b\n\nInput:")
@example("write\nInput\n\n", ": x")
@example("sure\n\n", "! Sort.")
def test_continuation_of_settled_text_never_changes_instruction(begun, rest):
    if is_settled(begun):
        assert clean(begun + rest) == clean(begun)
        assert is_settled(begun + rest)


@given(TEXTS | SETTLED)
def test_clean_of_text_with_words_is_never_empty(raw):
    if "a" in raw.replace("<|channel|>final<|message|>", "") or "把" in raw or "ort" in raw:
        assert clean(raw)


@pytest.mark.parametrize(
    ("raw", "settled"),
    [
        ("write it.", False),
        ("write it.\n", False),
        ("write it.\n\n", True),
        (" \n\nwrite it.", False),
        ("write it.\nInput", False),
        ("write it.\nInput:", True),
        ("write\nInput\n\n", True),
        ("write\n\nInput", True),
        ("write it.</s>", True),
        ("do this:\n\n", False),
        ("do this:\n\n1. read\n\n2", False),
        ("do this:\n\n1. read\n\n2. add", False),
        ("do this:\n\n1. read\n\nThat is all", True),
        ("The instruction was to write it.\n\n", True),
        ("Write it.\n\n", False),  # another paragraph may follow
        ("Sure:\n\n", False),
        ("okay, it is a sum.\n\n", False),  # thoughts
        ("thoughts</think>write it.\n\n", True),
    ],
)
def test_text_that_continues_cue_is_settled_after_its_instruction(raw, settled):
    assert is_settled(raw) == settled
