"""Tests that no text can become markup."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.report.html import data_script, escape, foreign, join, tag


class Reader(HTMLParser):
    """Collects the elements, texts and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.elements, self.texts, self.attributes = [], [], []

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        self.attributes += attributes

    def handle_data(self, text):
        self.texts.append(text)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


anything = st.text(st.characters(exclude_categories=()))


@given(anything)
def test_tag_escapes_text_in_elements_and_attributes(text):
    reader = read(tag("p", text, title=text))
    assert reader.elements == ["p"]
    assert "".join(reader.texts) == str(escape(text)).replace("&lt;", "<").replace("&gt;", ">").replace(
        "&quot;", '"'
    ).replace("&#x27;", "'").replace("&amp;", "&")
    assert [name for name, _ in reader.attributes] == ["title"]


def test_escape_shows_control_characters_and_replaces_lone_surrogates():
    assert escape("a\x00b\x1b\x7f\x85\ud800\tc\n") == "a␀b␛␡��\tc\n"


def test_join_does_not_escape_html_twice():
    assert join(tag("b", "<"), "<") == "<b>&lt;</b>&lt;"


def test_foreign_isolates_text_direction():
    assert foreign("<\u202e") == '<bdi dir="auto" class="foreign">&lt;\u202e</bdi>'


@given(anything)
def test_data_script_round_trips_any_text_without_closing_element(text):
    script = data_script({"text": text}, name="data")
    start, end = script.index(">") + 1, script.rindex("</script>")
    assert "<" not in script[start:end]
    assert json.loads(script[start:end]) == {"text": text}
    script.encode("utf-8")


def test_data_script_refuses_numbers_that_json_lacks():
    with pytest.raises(ValueError, match="JSON"):
        data_script([float("nan")], name="data")
