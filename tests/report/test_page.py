"""Tests of the page in a browser: offline use, errors, interaction and accessibility."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from instructzero.report.data import collect
from instructzero.report.html import escape
from instructzero.report.page import render
from instructzero.report.source import read_source
from tests.browser import Watched
from tests.report.conftest import NASTY, embedded

WIDTHS = [390, 1440]


READY = "#matrix td"


def address(folder: Path) -> str:
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def look(browser, request):
    """Return the page of a run by name. It is opened once for all tests, because opening is slow."""
    opened: dict[tuple[str, int], Watched] = {}

    def open_page(run: str, width: int = 1440) -> Watched:
        if (run, width) not in opened:
            opened[run, width] = Watched(browser, address(request.getfixturevalue(run)), READY, width)
        return opened[run, width]

    yield open_page
    for watched in opened.values():
        watched.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("run", ["finished", "hostile"])
def test_page_makes_no_request_and_logs_no_error(look, request, run, width):
    folder, watched = request.getfixturevalue(run), look(run, width)
    watched.page.evaluate("document.querySelectorAll('button').forEach(button => button.click())")
    watched.page.wait_for_timeout(100)
    assert watched.requests == [address(folder)]
    assert [error for error in watched.errors if "clipboard" not in error.lower()] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("run", ["finished", "hostile"])
def test_page_fits_window_width(look, run, width):
    assert not look(run, width).sticks_out()


def choose_part(page, name):
    """Show this part of the data, independently of the choices of earlier tests."""
    page.locator("#examples").get_by_role("button", name=name, exact=True).click()


def test_page_shows_hostile_texts_as_text(look, hostile):
    page, data = look("hostile").page, embedded(hostile / "report.html")
    assert page.title() == "examples: report of a run"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    choose_part(page, "test")
    shown = page.locator("#instructions").inner_text() + page.locator("#examples").inner_text()
    for nasty in NASTY[:3]:
        assert re.sub(r"\s+", " ", nasty)[:60] in re.sub(r"\s+", " ", shown)
    assert "NUL \u2400, escape \u241b[31m" in shown
    assert page.locator("bdi").count() >= len(data["instructions"])
    assert page.evaluate("[...document.querySelectorAll('bdi')].every(element => element.dir === 'auto')")


def test_page_has_no_event_attributes_from_hostile_texts(look):
    page = look("hostile").page
    names = page.evaluate("[...document.querySelectorAll('*')].flatMap(element => element.getAttributeNames())")
    assert not [name for name in names if name.startswith("on")]


def test_table_sorts_by_clicked_column(look, finished):
    page = look("finished").page
    table = page.locator("#instructions table")
    head = table.get_by_role("button", name="calls")
    head.click()
    assert page.locator("#instructions [aria-sort=descending]").inner_text().startswith("calls")
    falling = table.locator("td[data-name=calls]").all_inner_texts()
    head.click()
    rising = table.locator("td[data-name=calls]").all_inner_texts()
    assert falling == sorted(falling, key=int, reverse=True)
    assert rising == sorted(rising, key=int)


def test_table_sorts_missing_values_last_in_both_directions(look, finished):
    page = look("finished").page
    for _ in range(2):
        page.locator("#instructions").get_by_role("button", name="round").click()
        assert page.locator("#instructions td[data-name=round]").last.inner_text() == "—"


def test_table_search_matches_words(look, finished):
    page = look("finished").page
    page.get_by_role("searchbox").fill("WORD upper")
    found = page.locator("#instructions td[data-name=instruction] bdi").all_inner_texts()
    assert found
    assert all("write the word in upper case" in text for text in found)
    page.get_by_role("searchbox").fill("nothing like this")
    assert page.locator("#instructions .status").inner_text() == "No matches."
    page.get_by_role("searchbox").fill("")


def test_table_pager_turns_pages(look, finished):
    page = look("finished").page
    pager = page.locator("#examples .pager")
    before = page.locator("#examples .paged tbody").inner_text()
    if pager.get_by_role("button", name="Next").is_enabled():
        pager.get_by_role("button", name="Next").click()
        assert page.locator("#examples .paged tbody").inner_text() != before
        pager.get_by_role("button", name="Previous").click()
    assert page.locator("#examples .paged tbody").inner_text() == before


@pytest.mark.parametrize("name", ["trajectory", "rounds", "texts", "space", "belief"])
def test_figure_hover_shows_details_of_point(look, finished, name):
    page = look("finished").page
    plot, readout = page.locator(f"#figure-{name} .plot"), page.locator(f"#figure-{name} .readout")
    plot.scroll_into_view_if_needed()
    before = readout.inner_text()
    target = plot.locator("svg circle:not(.current), svg path.point, svg .median").first.bounding_box()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] / 2)
    assert readout.inner_text() != before
    assert plot.locator(".current").get_attribute("visibility") == "visible"


@pytest.mark.parametrize("name", ["trajectory", "rounds", "texts", "space", "belief"])
def test_figure_arrow_keys_move_between_points(look, finished, name):
    page = look("finished").page
    plot, readout = page.locator(f"#figure-{name} .plot"), page.locator(f"#figure-{name} .readout")
    plot.focus()
    page.keyboard.press("Home")
    said = [readout.inner_text()]
    for key in ("ArrowRight", "End", "ArrowLeft"):
        page.keyboard.press(key)
        said.append(readout.inner_text())
    assert len(set(said)) > 1
    assert page.evaluate("document.activeElement.className") == "plot"


@pytest.mark.parametrize("name", ["texts", "space"])
def test_map_names_best_point_and_hover_shows_its_instruction(look, finished, name):
    page = look("finished").page
    plot = page.locator(f"#figure-{name} .plot")
    plot.scroll_into_view_if_needed()
    assert plot.locator("text").all_text_contents() == ["best"]
    box = plot.locator(".point.best").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    best = embedded(finished / "report.html")["result"]["instruction"]
    assert best in page.locator(f"#figure-{name} .readout").inner_text()


@pytest.mark.parametrize("name", ["texts", "space"])
def test_map_has_a_mark_for_every_point_in_the_shape_of_its_origin(look, finished, name):
    page, points = look("finished").page, embedded(finished / "report.html")[name]["points"]
    plot = page.locator(f"#figure-{name} .plot")
    circles = [point for point in points if point["origin"] == "soft prompt"]
    assert plot.locator("circle.point").count() == len(circles)
    assert plot.locator("path.point").count() == len(points) - len(circles) > 0
    legend = page.locator(f"#figure-{name} .controls").inner_text()
    assert "written under a soft prompt" in legend
    assert "continued from earlier first words" in legend


def test_message_and_request_are_copied_as_they_were_sent(browser, hostile):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script("navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }")
    page.goto(address(hostile))
    page.wait_for_selector(READY)
    page.locator("#messages .message button").first.click()
    sent = embedded(hostile / "report.html")["messages"]["messages"][0]["content"]
    page.wait_for_timeout(100)
    assert page.evaluate("globalThis.copied") == sent
    assert "\x1b[31m" in sent  # exactly, although the page shows a symbol
    context.close()


def test_figure_buttons_change_view(look, finished):
    page = look("finished").page
    views = [
        ("texts", "principal components", "t-SNE"),
        ("texts", "by score", "by round"),
        ("space", "principal components", "t-SNE"),
        ("space", "by score", "by round"),
        ("trajectory", "by calls", "by cost"),
    ]
    for figure, first, button in views:
        page.locator(f"#figure-{figure}").get_by_role("button", name=first).click()
        drawing = page.locator(f"#figure-{figure} .plot")
        before = drawing.inner_html()
        choice = page.locator(f"#figure-{figure}").get_by_role("button", name=button)
        choice.click()
        assert drawing.inner_html() != before
        assert choice.get_attribute("aria-pressed") == "true"


def test_example_filter_shows_counted_wins_and_losses(look, finished):
    page = look("finished").page
    part = embedded(finished / "report.html")["examples"]["parts"][0]
    choose_part(page, "test")
    for filter_, count in (("wins", part["duels"]["plain"]["wins"]), ("losses", part["duels"]["plain"]["losses"])):
        page.get_by_label("Show").select_option(filter_)
        status = page.locator("#examples .status").inner_text()
        assert status == "No matches." if count == 0 else status.endswith(f"of {count}")


def test_matrix_cell_shows_input_and_answers(look, finished):
    page = look("finished").page
    part = embedded(finished / "report.html")["examples"]["parts"][0]
    choose_part(page, "test")
    first = page.locator("#matrix td").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    said = page.locator("#matrix .readout").inner_text()
    assert f"Input: {part['examples'][1]['input']}" in said
    assert f"Accepted: {part['examples'][1]['outputs'][0]}" in said
    assert f"Answer: {part['rows'][1]['answers'][1]}" in said
    assert page.locator("#matrix td[tabindex='0']").count() == 1


def is_light(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) > 384


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_system_until_changed(browser, finished, scheme):
    watched = Watched(browser, address(finished), READY, scheme=scheme)
    page = watched.page
    assert is_light(page) == (scheme == "light")
    button = page.locator("#theme")
    assert button.inner_text() == ("Dark" if scheme == "light" else "Light")
    button.click()
    assert is_light(page) == (scheme == "dark")
    watched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_choice_survives_reload(browser, finished, scheme):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    # Served over http, because on a busy machine Chromium may lose the storage of a file page.
    page.route("http://report.example/", lambda route: route.fulfill(path=finished / "report.html"))
    page.goto("http://report.example/")
    page.locator("#theme").click()
    page.reload()
    assert is_light(page) == (scheme == "dark")
    context.close()


def test_print_hides_buttons_and_uses_light_theme(look):
    page = look("finished").page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#theme").is_hidden()
    assert page.locator("#instructions thead").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("run", "width"), [("finished", 390), ("finished", 1440), ("hostile", 390)])
def test_page_has_no_serious_accessibility_fault(look, run, width, scheme):
    assert look(run, width).faults(scheme) == []


def test_page_without_javascript_shows_result(browser, finished):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(finished))
    result = embedded(finished / "report.html")["result"]
    text = page.locator("#result").inner_text()
    assert result["instruction"] in text
    assert f"{result['test_score']:.3f}" in text
    assert "need JavaScript" in page.locator("body").inner_text()
    context.close()


def test_page_shows_warnings_escaped(finished):
    data = collect(read_source(finished))
    data["statements"]["warnings"] = ["Something <b>odd</b>."]
    assert "<strong>Warning: </strong>" in render(data)
    assert escape("Something <b>odd</b>.") in render(data)


@pytest.mark.parametrize("run", ["finished", "hostile"])
def test_page_is_smaller_than_limit(request, run):
    assert (request.getfixturevalue(run) / "report.html").stat().st_size < 6_000_000
