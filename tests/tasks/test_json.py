"""The metric json: the share of fields, and where JSON is found in an answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.errors import TaskError
from instructzero.tasks import get_metric
from instructzero.types import Example
from tests.tasks.wrappings import check_answerers, form_parameters

JSON, STRICT = get_metric("json"), get_metric("json:strict")
PERSON = '{"name": "Mia Ode", "age": 41, "pets": [{"kind": "cat"}, {"kind": "newt"}]}'


@pytest.mark.parametrize("form", form_parameters("other case"))
@pytest.mark.parametrize("spec", ["json", "json:strict"])
def test_json_in_every_form_of_answer_tells_right_from_wrong(spec, form):
    check_answerers(spec, form, ['{"a": 1, "b": "x"}', "[1, 2]"], ['{"a": 2, "b": "y"}', "[2, 1]"])


def test_json_ignores_case_of_texts_unless_strict():
    assert JSON('{"a": "PARIS "}', ['{"a": "Paris"}']) == 1.0
    assert STRICT('{"a": "PARIS"}', ['{"a": "Paris"}']) == 0.0


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ('{"pets": [{"kind": "cat"}, {"kind": "newt"}], "age": 41.0, "name": "Mia Ode"}', 1.0),
        ('Here it is:\n```json\n{"name": "Mia Ode", "age": 41}\n```\nIt has no pets.', 0.5),
        ('{"name": "Mia Ode", "age": "41", "pets": [{"kind": "cat"}, {"kind": "newt"}]}', 0.75),
        ('{"name": "Mia Ode", "age": 41, "pets": [{"kind": "newt"}, {"kind": "cat"}]}', 0.5),
        ('{"name": "Mia Ode", "age": 41, "pets": [{"kind": "cat"}, {"kind": "newt"}], "town": "Ulm"}', 0.8),
        ('I think of {"name": "Mia"} and conclude {"name": "Mia Ode"}.', 0.25),
        ('{"name": "Mia Ode", "age": 41', 0.0),
        ('{"name": NaN}', 0.0),
        ('["Mia Ode"]', 0.0),
        ("Mia Ode", 0.0),
        ("", 0.0),
    ],
)
def test_json_is_share_of_right_fields(said, share):
    assert JSON(said, [PERSON]) == pytest.approx(share)
    assert STRICT(said, [PERSON]) == float(share == 1)


@pytest.mark.parametrize(
    ("said", "answer", "score"),
    [
        ("true", "1", 0.0),
        ("null", "0", 0.0),
        ("1.0", "1", 1.0),
        ("1e2", "100", 1.0),
        ("9" * 5000, "1", 0.0),
        ("[" * 100_000, "[]", 0.0),
        ("[]", "{}", 0.0),
        ('"C"', '"C++"', 0.0),
        ("The answer is Paris.", '"Paris"', 1.0),
    ],
)
def test_json_compares_values_with_their_types(said, answer, score):
    assert JSON(said, [answer]) == score


def test_bind_with_answer_that_is_no_json_raises():
    assert JSON.bind([Example("a", (PERSON,))]) is JSON
    with pytest.raises(TaskError, match="'json': expected JSON as every accepted answer, got 'Mia' for the input 'b'"):
        JSON.bind([Example("a", (PERSON,)), Example("b", ("Mia",))])


def test_json_with_unknown_parameter_raises():
    with pytest.raises(TaskError, match=r"expected json or json:strict, got 'loose'"):
        get_metric("json:loose")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=values, other=values)
def test_json_strict_is_1_only_for_equal_values(value, other):
    said, answer = json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)
    assert JSON(said, [answer]) == STRICT(said, [answer]) == 1.0
    assert 0.0 <= JSON(json.dumps(other), [answer]) <= 1.0
    assert STRICT(json.dumps({"value": other}), [json.dumps({"value": value})]) == float(_typed(other) == _typed(value))


def _typed(value):
    """Return ``value`` so that == tells true from 1 at any depth."""
    return json.dumps(value, sort_keys=True)


@given(text=st.text(max_size=30))
def test_json_gives_every_text_1_against_itself(text):
    assert JSON.score(text, text) == STRICT.score(text, text) == 1.0
