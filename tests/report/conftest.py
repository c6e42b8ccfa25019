"""Runs for report tests, and access to the data in their pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey

WORDS = (
    "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night "
    "music paper glass berry candle window garden pepper silver"
).split(" ")
SIZES = {"evaluations": 20, "initial": 8, "batch": 4}

MORE = ("", ", please", " once", " now", " and stop", ".")

NASTY = (
    "<script>document.title='pwned'</script>",
    "</script></bdi><img src=https://example.invalid/x onerror=\"document.title='pwned'\">",
    '" onmouseover="document.title=\'pwned\'" x="\' `&amp;&lt;',
    "\u202eright to left, and no end \u2067\u2066",
    "NUL \x00, escape \x1b[31m, bell \x07, delete \x7f, next line \x85",
    "\U0001f600" * 40 + " \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d",
    "long " + "x" * 100_000,
    "half a pair \ud800 and separators \u2028\u2029 {{7*7}} <!-- --> ]]>",
)
"""Texts that could break a page."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a task file, with a baseline instruction and prices."""
    folder = tmp_path_factory.mktemp("finished")
    lines = [json.dumps({"input": word, "output": word[::-1]}) for word in WORDS]
    (folder / "words.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    instructzero.optimize(
        folder / "words.jsonl",
        writer=ScriptedWriter([f"{phrase}{more}" for more in MORE for phrase in PHRASES]),
        blackbox="scripted:obey",
        baseline="repeat the input",
        input_price=100.0,
        output_price=200.0,
        directory=folder / "run",
        **SIZES,
    )
    return folder / "run"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose instructions, examples and answers contain `NASTY` texts."""
    folder = tmp_path_factory.mktemp("hostile")
    examples = [(f"{word} {NASTY[place % len(NASTY)]}", word[::-1]) for place, word in enumerate(WORDS)]

    def answer(prompt: str) -> str:
        return f"{obey(prompt)[:20]} {NASTY[len(prompt) % len(NASTY)]}"

    instructzero.optimize(
        examples,
        writer=ScriptedWriter([f"{phrase} {whole(nasty)}" for phrase, nasty in zip(PHRASES, NASTY, strict=True)]),
        blackbox=ScriptedBlackBox(answer),
        metric="f1",
        directory=folder / "run",
        **SIZES,
    )
    return folder / "run"


def whole(text: str) -> str:
    """Return the text without lone surrogates, which no writer can produce."""
    return text.encode("utf-8", "ignore").decode()


def embedded(page: Path) -> dict[str, Any]:
    """Return the data embedded in a page."""
    text = page.read_text(encoding="utf-8")
    start = text.index('id="report-data">') + len('id="report-data">')
    data: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return data
