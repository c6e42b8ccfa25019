"""HTML from Python: nothing that a text says can become markup."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.report.html import data_script, escape, foreign, join, tag


class Reader(HTMLParser):
    """Collects elements and texts."""

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
def test_a_text_stays_a_text_in_an_element_and_in_an_attribute(text):
    reader = read(tag("p", text, title=text))
    assert reader.elements == ["p"]
    assert "".join(reader.texts) == str(escape(text)).replace("&lt;", "<").replace("&gt;", ">").replace(
        "&quot;", '"'
    ).replace("&#x27;", "'").replace("&amp;", "&")
    assert [name for name, _ in reader.attributes] == ["title"]


def test_control_characters_are_shown_and_half_pairs_are_replaced():
    assert escape("a\x00b\x1b\x7f\x85\ud800\tc\n") == "a␀b␛␡��\tc\n"


def test_html_is_not_escaped_twice():
    assert join(tag("b", "<"), "<") == "<b>&lt;</b>&lt;"


def test_foreign_text_is_isolated_in_its_own_direction():
    assert foreign("<\u202e") == '<bdi dir="auto" class="foreign">&lt;\u202e</bdi>'


@given(anything)
def test_no_text_ends_the_data_and_all_of_it_comes_back(text):
    script = data_script({"text": text}, name="data")
    start, end = script.index(">") + 1, script.rindex("</script>")
    assert "<" not in script[start:end]
    assert json.loads(script[start:end]) == {"text": text}
    script.encode("utf-8")


def test_numbers_that_json_does_not_have_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        data_script([float("nan")], name="data")
