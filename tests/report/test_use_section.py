"""The section "Use it": code by format, in tabs that need no script."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from instructzero.exports.command import FORMATS
from instructzero.report.data import collect
from instructzero.report.document import asset
from instructzero.report.page import render
from instructzero.report.source import read_source
from instructzero.report.use_section import use, use_of
from tests.report.conftest import embedded
from tests.run_directories import write_run

ALL = ["messages", "python", "curl", "dspy", "promptfoo", "langchain"]


def test_code_of_every_format_is_that_of_the_export(tmp_path: Path) -> None:
    from instructzero.finished_run import FinishedRun

    path = write_run(tmp_path / "run", instruction="Sort <b>it</b> & 'so'.")
    codes = use_of(read_source(path))["codes"]
    run = FinishedRun.read(path)
    assert list(codes) == ALL
    assert {name: FORMATS[name](run) for name in ALL} == codes
    shown = html.unescape(str(use({"use": {"codes": codes, "tests": 0}})))
    for code in codes.values():
        assert code.strip() in shown


def test_every_tab_has_a_panel_that_its_radio_button_shows() -> None:
    rules = asset("page.css")
    written = str(use({"use": {"codes": dict.fromkeys(ALL, "code"), "tests": 0}}))
    assert re.findall(r'id="use-(\w+)"', written) == re.findall(r'id="panel-(\w+)"', written) == ALL
    assert all(f"#use-{name}:checked ~ #panel-{name}" in rules for name in ALL)
    assert written.count(" checked") == 1


def test_too_long_code_is_replaced_by_the_command() -> None:
    written = str(use({"use": {"codes": {"python": "x" * 20_001}, "tests": 0}}))
    assert "<pre" not in written
    assert "instructzero export DIRECTORY --format python" in written


def test_black_box_without_an_api_has_no_curl(tmp_path: Path) -> None:
    path = write_run(tmp_path, blackbox="hf:org/model", header={"black box": {"backend": "huggingface"}})
    assert list(use_of(read_source(path))["codes"]) == [name for name in ALL if name != "curl"]


@pytest.mark.parametrize("run", ["finished", "hostile"])
def test_page_ends_with_the_section_and_its_code_is_not_embedded_again(
    run: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(run)
    page = (folder / "report.html").read_text(encoding="utf-8")
    sections = re.findall(r'<section id="(\w+)"', page)
    assert sections[-1] == "use"
    assert "use" not in embedded(folder / "report.html")
    part = page[page.index('<section id="use"') : page.index("</section>", page.index('<section id="use"'))]
    assert "<script" not in part
    assert "<img" not in part


def test_run_in_progress_has_no_such_section(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    (path / "result.json").unlink()
    data = collect(read_source(path))
    assert data["use"] == {}
    assert 'id="use"' not in render(data)
