"""The page of a bench in a browser: offline, without errors, in a narrow and a wide window, in both colour schemes."""

from __future__ import annotations

import pytest

from instructzero.bench.page import write_report
from tests.bench.synthetic import cell
from tests.browser import Watched

WIDTHS = [390, 1440]
HOSTILE = "</td><script>document.title='pwned'</script><img src=https://example.invalid/x>&\"'"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of a bench of three methods on two tasks; one method and one task have a hostile name."""
    out = tmp_path_factory.mktemp("bench")
    cells = [
        cell(method, task, {50: 0.3, 100: 0.3 + place / 10}, models=HOSTILE, instruction=HOSTILE)
        for place, method in enumerate(["instructzero", "uniform", HOSTILE])
        for task in (HOSTILE, "sum")
    ]
    write_report(cells, out)
    return (out / "report.html").as_uri()


@pytest.fixture(scope="module")
def look(browser, address):
    opened = {width: Watched(browser, address, "figure svg", width) for width in WIDTHS}
    yield opened.__getitem__
    for watched in opened.values():
        watched.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_page_sends_no_request_has_no_error_and_fits_the_window(look, address, width):
    watched = look(width)
    assert watched.requests == [address]
    assert watched.errors == []
    assert not watched.sticks_out()


def test_page_shows_hostile_names_as_text(look):
    page = look(1440).page
    assert page.title() == "Benchmark of instruction optimisers"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    assert HOSTILE in page.locator("main").inner_text()


def test_page_filters_the_instructions_by_a_text(look):
    page = look(1440).page
    section = page.locator("section").last
    rows = section.locator("tbody tr")
    assert rows.count() == 2 * (3 + 1)  # two tasks, three methods and the plain instruction
    assert section.locator("tbody tr:visible").count() == 0
    section.locator("input").fill("PLAIN WORDS")
    assert section.locator("tbody tr:visible").count() == 2
    assert section.locator("[role=status]").inner_text() == "2 found"
    section.locator("input").fill("no such text")
    assert section.locator("details:visible").count() == 0
    section.locator("input").fill("")
    assert section.locator("details:visible").count() == 2


def test_page_scrolls_wide_tables_and_not_itself(look):
    watched = look(390)
    for details in watched.page.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    wide = watched.page.locator(".wide").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert wide > 0
    assert not watched.sticks_out()
    watched.page.locator("details").first.evaluate("details => { details.open = false; }")


def test_page_links_scroll_to_their_section(look):
    page = look(1440).page
    link = page.locator("nav a").last
    name = link.inner_text()
    link.click()
    target = page.locator(page.evaluate("location.hash"))
    assert target.locator("h2").inner_text() == name
    assert target.evaluate("section => section.getBoundingClientRect().top < innerHeight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_has_no_serious_accessibility_fault(look, width, scheme):
    assert look(width).faults(scheme) == []
