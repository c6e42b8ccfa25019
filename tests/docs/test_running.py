"""The runner of the documentation's pages: what it runs, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import call
from tests.docs.blocks import DOCS, names_of_pages, read_page
from tests.docs.pages import GROUPS
from tests.docs.running import Running

Try = Callable[[str], str]


@pytest.fixture
def failure_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Try:
    """Return a function that runs a page's text and returns what is wrong with it."""

    def tried(text: str) -> str:
        path = tmp_path / "a-page.md"
        path.write_text(text, encoding="utf-8")
        page = read_page(path, tmp_path)
        return Running(page, tmp_path, lambda *arguments: call(monkeypatch, capfd, *arguments)).failure()

    return tried


def block(text: str, language: str = "bash", above: str = "") -> str:
    return f"{above}\n```{language}\n{text}\n```\n"


def test_every_page_belongs_to_one_group() -> None:
    assert sorted(name for group in GROUPS.values() for name in group) == names_of_pages()


def test_files_variables_and_folders_hold_for_the_page(failure_of: Try) -> None:
    page = (
        block("a,b", 'csv title="data/rows.csv"')
        + block('export NAME=x\ncd data && cat \\\n  rows.csv\nother=$(echo $NAME)\necho "$other"')
        + block("a,b\nx", "text")
        + block("import os\nprint(os.environ['NAME'])\nprint(sorted(os.listdir()))", "python")
        + block("x\n['rows.csv']", "text")
    )
    assert failure_of(page) == ""


def test_named_service_answers_with_its_listed_price(failure_of: Try) -> None:
    models = "--writer openai:gpt-4o-mini --blackbox openai:gpt-4o-mini"
    sizes = "--evaluations 4 --initial 4 --batch 4 --validation 6 --test 6"
    page = (
        "<!-- setup: words -->\n"
        + block(f"instructzero run --task words.jsonl {models} {sizes} --max-usd 0.5 --out run")
        + block("instructzero calls run")
        + block("run/calls.sqlite: 50 answers, 689 tokens, paid from 2026-01-01 00:00 to 2026-01-01 00:01\n...", "text")
    )
    assert failure_of(page) == ""


def test_server_is_ready_for_the_next_command_at_its_own_port(failure_of: Try) -> None:
    server = (
        "from instructzero.testing import Endpoint\nimport time\n"
        "with Endpoint(str.upper, port=8123):\n    time.sleep(60)"
    )
    page = (
        block(server, 'python title="server.py"')
        + block("python server.py &\ninstructzero doctor --blackbox openai:m --base-url http://127.0.0.1:8123/v1")
        + block("...\nok    embedded models: both answer\n...", "text")
    )
    said = failure_of(page)
    assert "a-page.md:9: expected the output" in said  # "..." stands for lines, and for no part of a line
    assert "openai:m at http://127.0.0.1:8123/v1" in said


def test_code_of_a_page_is_one_program(failure_of: Try) -> None:
    page = (
        block("import inspect\nasync def twice(x):\n    return 2 * x", "python")
        + block("print(await twice(4))\nprint(inspect.getsource(twice).count('twice'))", "python")
        + block("8\n1", "text")
    )
    assert failure_of(page) == ""


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (block("true\nfalse"), "a-page.md:2: expected exit code 0, got 1\n$ false"),
        (block("instructzero run --tusk x"), "got 2\n$ instructzero run --tusk x"),
        (block("instructzero tasks", above="<!-- exit code: 2 -->"), "expected exit code 2, got 0"),
        (block("echo a") + block("b", "text"), "a-page.md:2: expected the output\nb\n\ngot the output\na"),
        (block("1 / 0", "python"), "ZeroDivisionError: division by zero"),
        (block("{'a': 1}", "json"), "expected json, got a text that is none"),
        (block("anything", ""), "after the fence, got ''"),
        ("<!-- setup: nothing -->", "got the set-up nothing"),
        (block("instructzero run", above="<!-- not run: it is slow -->"), "expected one of the reasons"),
        (block("instructzero run --tusk x", above="<!-- not run: GPU -->"), "No such option: --tusk"),
        (block("x=$(instructzero bench --tusk x)", above="<!-- not run: GPU -->"), "No such option: --tusk"),
        (block("instructzero ran", above="<!-- not run: GPU -->"), "No such command 'ran'"),
        (block("python -c 'raise SystemExit(3)' &"), "expected exit code 0, got 3"),
    ],
)
def test_fault_of_a_page_is_found(failure_of: Try, page: str, said: str) -> None:
    assert said in failure_of(page)


def test_pages_are_read_where_they_are() -> None:
    page = read_page(DOCS / "architecture.md")
    assert page.name == "architecture"
    assert all(page.path.read_text(encoding="utf-8").splitlines()[found.line - 1][:3] == "```" for found in page.blocks)
