import csv
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from instructzero.bench.page import write_report
from instructzero.bench.results import read_cells
from instructzero.errors import ConfigurationError
from tests.bench.synthetic import cell, cells

HOSTILE = "</td><script>alert(1)</script>&\"'"


class Page(HTMLParser):
    """The tags, their attributes, and the text of a page; fails if tags do not match."""

    VOID = ("meta", "br", "link", "input")

    def __init__(self, content):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], "", []
        self.feed(content)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("bench")
    found = [
        cell(method, task, {50: 0.3, 100: 0.3 + place / 10}, models=HOSTILE, instruction=HOSTILE)
        for place, method in enumerate(["instructzero", HOSTILE])
        for task in (HOSTILE, "sum")
    ]
    return out, found, write_report(found, out)


def test_write_report_returns_all_files(report):
    out, _, paths = report
    names = {path.relative_to(out).parts[0] for path in paths}
    assert names == {"report.html", "report.md", "scores.csv", "figures", "tables"}
    assert all(path.stat().st_size for path in paths)
    figures = [path for path in paths if path.parent.name == "figures"]
    assert len(figures) == 2 * 3 * 3  # two budgets, three figures, as PNG, SVG and PDF


def test_page_escapes_hostile_texts(report):
    out, _, _ = report
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 1  # the page's own, which filters the instructions
    assert HOSTILE in page.text


def test_page_loads_no_other_file(report):
    out, _, _ = report
    content = (out / "report.html").read_text(encoding="utf-8")
    page = Page(content)
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "data")]
    assert links
    assert all(link.startswith("#") or (out / unquote(link)).resolve().is_relative_to(out) for link in links)
    assert not [value for name, value in page.attributes if name in ("src", "data", "action")]
    assert "@import" not in content
    assert set(re.findall(r"url\((.)", content)) <= {"#"}


def test_page_has_all_figures_inline_and_both_colour_schemes(report):
    out, _, _ = report
    content = (out / "report.html").read_text(encoding="utf-8")
    assert content.count("<svg") == 6
    assert "prefers-color-scheme: dark" in content
    assert 'name="viewport"' in content


def test_page_links_have_targets(report):
    out, _, _ = report
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    ids = {value for name, value in page.attributes if name == "id"}
    assert {link[1:] for name, link in page.attributes if name == "href" and link.startswith("#")} <= ids


def test_markdown_links_to_existing_figures(report):
    out, _, paths = report
    shown = re.findall(r"\]\((figures/[^)]+)\)", (out / "report.md").read_text(encoding="utf-8"))
    assert len(shown) == 6
    assert {out / name for name in shown} <= set(paths)


def test_csv_has_a_row_for_each_mark(report):
    out, found, _ = report
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert len(records) == len(found) * 3
    assert records[1]["instruction"] == HOSTILE


def test_write_report_of_same_cells_gives_same_bytes(tmp_path):
    found = cells({"instructzero": [0.5, 0.6], "ape": [0.4, 0.7]})
    pages = []
    for name in ("one", "other"):
        write_report(found, tmp_path / name)
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_write_report_does_not_create_cells(tmp_path):
    write_report(cells({"a": [0.5]}), tmp_path)
    assert read_cells(tmp_path) == []


def test_write_report_without_cells_raises_error(tmp_path):
    with pytest.raises(ConfigurationError, match="expected finished cells"):
        write_report([], tmp_path)
