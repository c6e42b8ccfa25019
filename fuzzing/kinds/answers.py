"""Long answers of models, through what grades them and what takes an instruction from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzzing.hostile import text
from fuzzing.steps import Call, Command
from instructzero.scoring.judge import read_grade
from instructzero.tasks import get_metric
from instructzero.types import Example
from instructzero.writing.answers import read_text, read_texts
from instructzero.writing.cleaning import clean, is_settled

SIZE = 20_000
_PIECES = (
    " ", "\n", "\n\n", "\t", "a", "1", "-", "*", "**", "`", "```", "~~~", "#", "####", ">", "<", "</answer>", "<answer>", "<prompt>", "</think>", "<think>",
    "(", ")", "[", "]", "{", "}", "\\boxed{", "\\frac{", "$", ".", ",", "1,", "1.", "1)", "1. ", "- ", ":", "Answer: ", "Input: ", "\nOutput: ", "is ",
    "not ", "and ", "but ", "A", "B) ", "8/10 ", "grade: ", "so ", "=", "x", "1/2", "2026-03-09", "10:30", "'", '"', "é", "因", "。", "的", "٣", "\u200b",
    "option ", "analysis", "assistantfinal", "<|channel|>", "I hope ", "for example", "let me know", "the answer is ", "\r\n", "|", "\\", "%",
)  # fmt: skip
_METRICS = (
    "exact_match",
    "f1",
    "exact_set",
    "contains",
    "numeric",
    "json",
    "choice",
    "verbatim",
    "regex:(.+)",
    "rougeL",
    "wer",
    "bleu",
)
_OUTPUTS = ("a", "1", "yes", "3.5", "A", '{"a": 1}', "two words", "1/2", "10:30", "2026-03-09")


def steps(random: Random, folder: Path, around: Path) -> Iterator[Command | Call]:
    """Grade one long answer, and read an instruction and a grade from it."""
    pumped = "".join(random.choice(_PIECES) for _ in range(random.choice((1, 1, 2, 3))))
    before = "".join(random.choice(_PIECES) for _ in range(random.choice((0, 1, 2))))
    answer = (before + pumped * (SIZE // len(pumped)))[:SIZE] + random.choice(
        ("", random.choice(_PIECES), text(random))
    )
    example = Example("x", (random.choice(_OUTPUTS), "b"))
    for name in random.sample(_METRICS, 2):
        yield Call(get_metric(name).grade, (answer, example))
    reader = random.choice((read_grade, read_text, clean, is_settled))
    yield Call(reader, (answer,))
    if random.random() < 0.3:
        yield Call(read_texts, (answer, 3))
