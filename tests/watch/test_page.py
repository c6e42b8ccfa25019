"""Tests of the live page in a browser: it follows the run and keeps the reader's state."""

from __future__ import annotations

import json

import pytest

from tests.browser import Watched
from tests.watch.growing import HOSTILE, GrowingRun, Serving

READY = "#matrix td"
WAIT_MS = 60_000

expect = pytest.importorskip("playwright.sync_api", reason="looking at pages needs playwright").expect


@pytest.fixture
def run(tmp_path, recorded):
    return GrowingRun(tmp_path / "run", recorded).begin().add_until(10)


@pytest.fixture
def watched(browser, server):
    found = Watched(browser, f"{server.root}/{server.query}", READY)
    yield found
    found.close()


def wait_for_text(page, selector, text):
    """Wait until an element has this text. The policy of the page forbids waiting for a script expression."""
    expect(page.locator(selector)).to_contain_text(text, timeout=WAIT_MS)


def wait_for_evaluations(page, count):
    """Wait until the page itself, not only its progress line, shows this number of evaluations."""
    wait_for_text(page, "#facts", f"{count} evaluations")


def test_live_page_follows_run_to_its_end_and_contacts_only_its_server(watched, run, server):
    page = watched.page
    assert "10 of 24 evaluations" in page.locator("#live").inner_text()
    assert "has not finished" in page.locator("#result").inner_text()
    assert [watched.faults(scheme) for scheme in ("light", "dark")] == [[], []]
    dots = page.locator("#figure-trajectory circle.dot").count()
    run.add_until(16)
    wait_for_evaluations(page, 16)
    assert "16 of 24 evaluations" in page.locator("#live").inner_text()
    assert page.locator("#figure-trajectory circle.dot").count() > dots
    assert page.locator(".plot > svg").count() == 5  # every figure is drawn once, even with new controls
    run.end()
    wait_for_text(page, "#live", "finished: 24 of 24")
    expect(page.locator("#result")).not_to_contain_text("has not finished", timeout=WAIT_MS)
    result = json.loads((run.path / "result.json").read_text())
    assert page.locator("#result blockquote").inner_text() == result["instruction"]
    assert f"{result['test_score']:.3f}" in page.locator("#result").inner_text()
    assert page.title().startswith("finished")
    page.get_by_role("searchbox").fill("onerror")
    assert HOSTILE in page.locator("#instructions td[data-name=instruction] bdi").first.inner_text()
    assert page.locator("img").count() == 0
    assert watched.errors == []
    assert {url.rpartition("/")[0] for url in watched.requests} == {server.root, f"{server.root}/1"}


def test_update_keeps_reader_state(watched, run):
    page = watched.page
    page.locator("#theme").click()
    page.locator("#figure-trajectory").get_by_role("button", name="by cost").click()
    page.locator("#figure-space").get_by_role("button", name="by round").click()
    page.locator("#reproduction summary").first.click()
    page.locator("#instructions").get_by_role("button", name="calls").click()
    page.locator("#instructions").get_by_role("button", name="calls").click()
    page.get_by_role("searchbox").fill("word up")
    page.get_by_role("searchbox").press("ArrowLeft")
    page.evaluate("document.querySelector('#instructions').scrollIntoView({behavior: 'instant'})")
    top = "document.querySelector('#instructions').getBoundingClientRect().top"
    before = page.evaluate(top)
    assert page.evaluate("scrollY") > 500
    run.add_until(20)
    wait_for_evaluations(page, 20)
    assert page.evaluate(top) == pytest.approx(before, abs=2)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    search = page.get_by_role("searchbox")
    assert search.input_value() == "word up"
    assert page.evaluate("document.activeElement.type") == "search"
    assert page.evaluate("document.activeElement.selectionStart") == len("word u")
    found = page.locator("#instructions td[data-name=instruction] bdi").all_inner_texts()
    assert found
    assert all("word" in text and "up" in text for text in found)
    assert page.locator("#instructions [aria-sort=ascending]").inner_text().startswith("calls")
    for figure, name in (("trajectory", "by cost"), ("space", "by round")):
        button = page.locator(f"#figure-{figure}").get_by_role("button", name=name)
        assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("#reproduction details").first.get_attribute("open") is not None
    search.fill("")
    assert page.locator("#instructions .status").inner_text().endswith(f"of {instructions_of(page)}")
    assert watched.errors == []


def instructions_of(page):
    return page.evaluate("JSON.parse(document.getElementById('report-data').textContent).instructions.length")


def test_waiting_page_becomes_live_page(browser, tmp_path, recorded):
    run = GrowingRun(tmp_path / "later", recorded)
    with Serving(run.path) as server:
        watched = Watched(browser, f"{server.root}/{server.query}", "main pre")
        assert "There is no run here yet" in watched.page.locator("main").inner_text()
        run.begin().add_until(8)
        watched.page.wait_for_selector(READY)
        wait_for_evaluations(watched.page, 8)
        assert watched.errors == []
        watched.close()


def test_update_waits_for_text_selection_and_page_survives_server_stop(browser, run):
    with Serving(run.path) as server:
        watched = Watched(browser, f"{server.root}/{server.query}", READY)
        page = watched.page
        page.evaluate("getSelection().selectAllChildren(document.querySelector('#result .lead'))")
        run.add_until(20)
        wait_for_text(page, "#live", "20 of 24 evaluations")
        page.wait_for_timeout(2500)  # longer than the interval between two requests
        assert "10 evaluations" in page.locator("#facts").inner_text()
        page.evaluate("getSelection().removeAllRanges()")
        wait_for_evaluations(page, 20)
    expect(page.locator("html")).to_have_class("disconnected", timeout=WAIT_MS)
    said = page.evaluate("getComputedStyle(document.querySelector('#live'), '::after').content")
    assert "No answer from the server" in said
    assert "20 of 24 evaluations" in page.locator("#live").inner_text()
    watched.close()


def test_overview_shows_several_runs(browser, run, tmp_path, recorded):
    other = GrowingRun(tmp_path / "other", recorded).begin().add_until(4)
    with Serving(run.path, other.path, tmp_path / "none") as server:
        watched = Watched(browser, f"{server.root}/{server.query}", ".runs svg")
        page = watched.page
        cards = page.locator(".runs > li")
        assert cards.count() == 3
        assert "10 of 24 evaluations" in cards.nth(0).inner_text()
        assert "There is no run here yet" in cards.nth(2).inner_text()
        other.add_until(12)
        wait_for_text(page, "#run-2", "12 of 24 evaluations")
        assert not watched.sticks_out()
        assert watched.faults() == []
        assert watched.errors == []
        cards.nth(1).get_by_role("link").click()
        page.wait_for_selector(READY)
        assert "12 of 24 evaluations" in page.locator("#live").inner_text()
        assert page.url == f"{server.root}/2/"
        watched.close()
