"""The page of a bench in a browser: offline, without an error, on a phone and on a desk, in both colour schemes."""

from __future__ import annotations

import pytest

from instructzero.bench.page import write_report
from tests.bench.synthetic import cell
from tests.browser import Watched

WIDTHS = [390, 1440]
HOSTILE = "</td><script>document.title='pwned'</script><img src=https://example.invalid/x>&\"'"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A bench of three methods on two tasks, one of each with a hostile name."""
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
    for each in opened.values():
        each.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_asks_nothing_of_the_network_has_no_error_and_sticks_out_nowhere(look, address, width):
    watched = look(width)
    assert watched.requests == [address]
    assert watched.errors == []
    assert not watched.sticks_out()


def test_hostile_names_are_texts(look):
    page = look(1440).page
    assert page.title() == "Bench of instruction optimisers"
    assert page.locator("script, img").count() == 0
    assert HOSTILE in page.locator("main").inner_text()


def test_links_lead_to_their_section(look):
    page = look(1440).page
    link = page.locator("nav a").last
    name = link.inner_text()
    link.click()
    target = page.locator(page.evaluate("location.hash"))
    assert target.locator("h2").inner_text() == name
    assert target.evaluate("each => each.getBoundingClientRect().top < innerHeight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_serious_fault(look, width, scheme):
    assert look(width).faults(scheme) == []
