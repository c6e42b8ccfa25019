import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from instructzero.config.yaml_text import LONGEST, YamlFault, read_yaml

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_dumped_values_are_read_as_they_were(value):
    assert read_yaml(yaml.safe_dump(value)) == value


@pytest.mark.parametrize("written", ["2026-03-09", "2026-99-99", "2026-03-09T10:11:12Z", "1:30", "="])
def test_dates_and_sexagesimal_numbers_stay_texts(written):
    assert read_yaml(f"a: {written}") == {"a": written}


def _bomb(width=10, depth=9):
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    return "\n".join(["a0: &a0 [x, x]", *lines])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: " + "9" * 5000, "a number of more than 40 digits at line 1"),
        ("a: 0x" + "f" * 60, "a number of more than 40 digits"),
        ("[" * 1000, "more than 50 lists and mappings in one another"),
        ("- " * 1000, "more than 50 lists and mappings in one another"),
        (_bomb(), "more than 100,000 values at line"),
        ("a: &a [*a]", "a value that refers to itself at line 1"),
        ("a: 1\nb: 2\na: 3", "the key 'a' twice at line 3"),
        ("a: !!binary aGE=", "the tag 'tag:yaml.org,2002:binary'"),
        ("a: !!python/object:os.system x", "which no setting has"),
        ("a: !!bool maybe", "a value that cannot be read"),
        ('a: "\\UFFFFFFFF"', "a value that cannot be read"),
        ("a: \0", "a character that YAML does not allow"),
        ("a: *" + "x" * 500, "found undefined alias"),
        ("x" * (LONGEST + 1), "more than 20,000,000 characters"),
    ],
)
def test_text_beyond_the_bounds_is_refused_at_once_in_few_words(text, fault):
    began = time.monotonic()
    with pytest.raises(YamlFault) as error:
        read_yaml(text)
    assert fault in str(error.value)
    assert len(str(error.value)) < 200
    assert time.monotonic() - began < 10
