from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from instructzero.models.fingerprint import fingerprint

BASE = """
import functools, json
PROMPT = "Answer in one word."
count = 0

def helper(text): return text.upper()

def answer(prompt):
    global count
    count += 1
    return helper(PROMPT + prompt)

def unused(prompt): return prompt

class Box:
    def __init__(self, known): self.known = known
    def __call__(self, prompt): return self.look(prompt)
    def look(self, prompt): return self.known.get(prompt, "?")

def made(known):
    def inner(prompt): return helper(known.get(prompt, "?"))
    return inner
"""


@pytest.fixture
def load(tmp_path: Path):
    """Return a function that imports a source text as a module of its own."""

    def load(source: str) -> ModuleType:
        file = tmp_path / f"module_{len(list(tmp_path.iterdir()))}.py"
        file.write_text(source)
        module = ModuleType("the_module")
        sys.modules["the_module"] = module
        module.__file__ = str(file)
        exec(compile(source, str(file), "exec"), vars(module))
        return module

    yield load
    sys.modules.pop("the_module", None)


def test_fingerprint_has_16_digits_and_repeats(load) -> None:
    module = load(BASE)
    assert len(fingerprint(module.answer)) == 16
    assert fingerprint(module.answer) == fingerprint(load(BASE).answer)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("count += 1\n    return helper", "count += 1\n    return str", False),
        ("text.upper()", "text.lower()", False),
        ('"Answer in one word."', '"Answer in two words."', False),
        ("def unused(prompt): return prompt", "def unused(prompt): return 1", True),
        ("    count += 1\n", "    count += 1  # one more\n\n", True),
        ("count = 0", "count = 7", True),
    ],
)
def test_fingerprint_changes_with_the_code_that_runs_and_with_nothing_else(
    load, old: str, new: str, same: bool
) -> None:
    assert old in BASE
    assert (fingerprint(load(BASE).answer) == fingerprint(load(BASE.replace(old, new)).answer)) is same


def test_fingerprint_of_an_object_is_that_of_its_class(load) -> None:
    module, other = load(BASE), load(BASE.replace('prompt, "?")\n\ndef made', 'prompt, "!")\n\ndef made'))
    assert fingerprint(module.Box({"a": "b"})) == fingerprint(module.Box({})) != fingerprint(other.Box({}))
    assert fingerprint(module.Box({}).look) != ""


def test_fingerprint_of_a_closure_covers_what_it_calls(load) -> None:
    module, other = load(BASE), load(BASE.replace("text.upper()", "text.lower()"))
    assert fingerprint(module.made({})) == fingerprint(module.made({"a": "b"})) != fingerprint(other.made({}))


def test_fingerprint_of_a_partial_is_that_of_its_function(load) -> None:
    module = load(BASE)
    assert fingerprint(functools.partial(module.helper)) == fingerprint(module.helper)


def test_fingerprint_of_a_lambda_ignores_the_statement_around_it() -> None:
    first, second = fingerprint(lambda prompt: prompt + "!"), fingerprint(lambda prompt: prompt + "!")
    assert first == second != fingerprint(lambda prompt: prompt + "?")


@pytest.mark.parametrize("function", [len, str.upper, functools.reduce, subprocess.run])
def test_fingerprint_of_a_library_function_is_empty(function: object) -> None:
    assert fingerprint(function) == ""


def test_fingerprint_without_a_source_file_is_the_same_in_every_process() -> None:
    program = (
        "from instructzero.models.fingerprint import fingerprint\n"
        "def f(prompt): return prompt in {'one', 'two', 'three'}\n"
        "print(fingerprint(f))"
    )
    found = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 16
