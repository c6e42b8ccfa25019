"""A stand-in for a model that reasons: its thoughts come before the answer and are billed as tokens of the answer."""

import re

from instructzero.testing import Reply

IDEAS = (
    "Solve it.",
    "Give the number.",
    "Do the sum.",
    "Read the whole story, then calculate.",
    "Calculate step by step, and use every number of the story.",
    "How many are there?",
    "Answer briefly.",
)
THOUGHTS_PER_STEP = 12  # tokens


def answer(prompt: str) -> Reply:
    """Return thoughts and the result of the story below the instruction."""
    instruction, _, story = prompt.partition("\n\n")
    steps = re.findall(r"(\d+) (?:more|fewer|times)", story)
    words = re.findall(r"\d+ (more|fewer|times)", story)
    total = int(re.findall(r"\d+", story)[0])
    done = len(steps) if "step by step" in instruction else 1
    for number, word in list(zip(steps, words, strict=True))[:done]:
        total = {"more": total + int(number), "fewer": total - int(number), "times": total * int(number)}[word]
    thoughts = f"<think>There are {len(steps)} steps. The first number is {re.findall(r'[0-9]+', story)[0]}.</think>"
    return Reply.chat(f"{thoughts}\nThe answer is {total:,}.", tokens=10 + THOUGHTS_PER_STEP * done)
