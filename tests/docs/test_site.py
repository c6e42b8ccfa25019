"""The documentation site: it builds without a network and a warning, has every flag, and a search finds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from documentation import python
from instructzero.registry import METHODS, METRICS
from tests.browser import Watched
from tests.docs.blocks import names_of_pages
from tests.docs.site import build, places_of_flags, search

LOOKED_AT = [
    *(
        (name, width, scheme)
        for name in ("index", "benchmarks")
        for width in (390, 1440)
        for scheme in ("light", "dark")
    ),
    *(
        (name, *seen)
        for name in ("tutorial/first-run", "reference/settings")
        for seen in ((390, "light"), (1440, "dark"))
    ),
    ("tutorial/your-endpoint", 390, "light"),  # code with comments and variables
    ("benchmarks/real", 390, "dark"),  # code in links
]
"""Pages, widths and colour schemes; long pages take the accessibility checker seconds."""

LOADED = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="?(?:https?:)?//[^">]*')

Open = Callable[[str, int, str], Watched]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert (done.returncode, "WARNING" in done.stderr, done.stdout) == (0, False, ""), done.stderr
    return folder


@pytest.fixture(scope="module")
def opened(browser: Any, site: Path) -> Iterator[Open]:
    """Return a function from page, width and colour scheme to the page in the browser."""
    pages: list[Watched] = []

    def open_page(name: str, width: int, scheme: str) -> Watched:
        pages.append(Watched(browser, (site / f"{name}.html").as_uri(), "article h1", width, scheme))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


def test_site_has_every_page_and_loads_nothing_from_another_host(site: Path) -> None:
    for name in names_of_pages():
        assert LOADED.findall((site / f"{name}.html").read_text(encoding="utf-8")) == []


def test_every_flag_of_every_command_has_its_place(site: Path) -> None:
    pages = {name: (site / "reference" / name).read_text("utf-8") for name in ("settings.html", "commands.html")}
    assert len(places_of_flags()) > 100
    for flag, places in places_of_flags().items():
        for place in places:
            page, _, anchor = place.partition("#")
            heading = re.search(rf'<h3 id="{re.escape(anchor)}">(.*?)</h3>', pages[page])
            assert heading is not None, place
            assert flag in re.sub(r"<[^>]*>", "", heading[1]) or f"<code>{flag}</code>" in pages[page]


def test_descriptions_of_commands_end_with_one_stop(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text("utf-8")
    assert "Install completion for the current shell.</p>" in page
    assert re.findall(r"\w\.\.</p>", page) == []


def test_public_names_methods_and_metrics_are_in_the_reference(site: Path) -> None:
    interface = (site / "reference" / "python.html").read_text("utf-8")
    for name in (name for names in python.GROUPS.values() for name in names):
        assert f'id="instructzero.{name}"' in interface
    methods = (site / "reference" / "methods.html").read_text("utf-8")
    assert [name for name in METHODS.own if f'id="{name}"' not in methods] == []
    metrics = (site / "reference" / "metrics.html").read_text("utf-8")
    shown = {re.split(r"\W", code)[0] for code in re.findall(r"<code>(.*?)</code>", metrics)}
    assert set(METRICS.own) - shown == set()


def test_search_finds_every_flag_first_as_it_is_written(opened: Open) -> None:
    page = opened("index", 1440, "light").page
    page.click(".md-search__input")
    missed = [flag for flag, places in places_of_flags().items() if not places & search(page, flag)[0]]
    assert missed == []


def test_search_finds_every_flag_without_its_hyphens(opened: Open) -> None:
    page = opened("index", 1440, "light").page
    page.click(".md-search__input")
    missed = [
        flag
        for flag, places in places_of_flags().items()
        if not places & set().union(*search(page, flag.lstrip("-"))[:5])
    ]
    assert missed == []


@pytest.mark.parametrize(("name", "width", "scheme"), LOOKED_AT)
def test_page_fits_the_window_loads_only_files_and_has_no_serious_accessibility_fault(
    opened: Open, name: str, width: int, scheme: str
) -> None:
    watched = opened(name, width, scheme)
    assert {address.partition(":")[0] for address in watched.requests} <= {"file", "data"}
    assert watched.errors == []
    assert not watched.sticks_out()
    assert watched.faults(scheme) == []
