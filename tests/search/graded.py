"""Runs of a search on a small task, with a scripted black box that grades the instructions."""

import hashlib

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey


def run(scripted, tmp_path, box=None, writer=None, **changes):
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")} | changes
    return instructzero.optimize(
        scripted["task"],
        writer=writer or ScriptedWriter(),
        blackbox=box or ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        **settings,
    )


EIGHTHS = dict(zip(PHRASES, (2, 1, 6, 7, 8, 4, 0, 3), strict=True))


def graded(prompt, eighths=EIGHTHS):
    """Answer a share of the words right that depends on the instruction, always the same words."""
    instruction, _, text = prompt.partition("Instruction: ")[2].partition("\n")
    word = text.partition("Input: ")[2].split()[0]
    luck = int(hashlib.sha256(f"{instruction}/{word}".encode()).hexdigest(), 16) % 8
    return word[::-1] if luck < eighths[instruction] else "nothing"


PARTS = {"exemplars": 2, "validation": 8, "test": 4, "confirmation": 6}
RACE = {**PARTS, "method": "uniform", "racing": True, "evaluations": 12, "batch": 4, "initial": None, "seed": 2}
REFERENCE, END = 8, 10
"""The calls of the smallest run: the plain instruction on validation, then on confirmation and test."""


class Reasons(instructzero.Observer):
    def __init__(self):
        self.received = []

    def search_stopped(self, reason):
        self.received.append(reason)
