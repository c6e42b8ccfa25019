"""Code: the outcome of a snippet in the corpus is its outcome in Python."""

import contextlib
import io
import re
from random import Random

from training.corpus import code
from training.corpus.registry import TASKS
from training.vocabulary import words_of


def shown_by_python(snippet: str) -> str:
    """Run a snippet of the corpus (at most two lines) and return its output or the exception that it raises."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(snippet, {})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return printed.getvalue().strip()


def test_outcomes_equal_those_of_python() -> None:
    rng = Random(8)
    for _ in range(1500):
        snippet = TASKS["auto_debugging"].draw(rng)
        answers = TASKS["auto_debugging"].answer(snippet)
        assert answers is None or shown_by_python(snippet) == answers[0]


def test_every_kind_of_snippet_has_outcomes() -> None:
    rng = Random(9)
    for kind in code.KINDS:
        outcomes = [code.outcome(kind.draw(rng)) for _ in range(60)]
        assert sum(outcome is not None for outcome in outcomes) > 30


def test_snippets_are_short_without_empty_lines() -> None:
    rng = Random(10)
    for _ in range(300):
        snippet = TASKS["auto_debugging"].draw(rng)
        assert "\n\n" not in snippet
        assert len(snippet) < 50


def test_words_of_error_messages_are_listed() -> None:
    rng = Random(11)
    whole = words_of(TASKS["auto_debugging"].texts()) | set(code.STRINGS) | set(code.BARE_WORDS) | set(code.MODULES)
    for _ in range(500):
        for message in code.outcome(code.KINDS[rng.randrange(len(code.KINDS))].draw(rng)) or ():
            assert all(word in whole for word in re.findall(r"(?<![\w'])[A-Za-z]{2,}", message)), message


def test_error_name_and_first_line_give_expected_answers() -> None:
    assert TASKS["error_name"].answer("x = 5\nx / 0") == ("ZeroDivisionError",)
    assert TASKS["error_name"].answer("x = 5\ny = 4\nprint(y)") is None
    assert TASKS["first_line"].answer("x = 5\nx / 0") == ("x = 5",)
    assert TASKS["auto_debugging"].answer("write a poem") is None


def test_character_codes_give_expected_answers() -> None:
    assert TASKS["ascii"].answer("a B 7") == ("97 66 55",)
    assert TASKS["ascii"].answer("word") is None
    assert TASKS["character_count"].answer("a B 7") == ("3",)
    assert TASKS["first_character"].answer("a B 7") == ("a",)
