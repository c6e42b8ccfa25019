"""Tests of the size limit of the page."""

import json

from instructzero.report.limits import MAX_BYTES, TEXT_LENGTHS, cut_texts, fitting_script


def content(script):
    return json.loads(script[script.index(">") + 1 : script.rindex("</script>")])


def test_fitting_script_leaves_small_data_unchanged():
    data = {"texts": ["x" * 1000], "number": 1.5, "none": None}
    assert content(fitting_script(data, name="data")) == data


def test_fitting_script_cuts_texts_until_data_fit():
    script = fitting_script({"texts": ["\U0001f600" * 3000] * 2000}, name="data")
    assert len(script.encode()) <= MAX_BYTES
    first = content(script)["texts"][0]
    assert first == "\U0001f600" * 500 + " … (2,500 more characters)"


def test_fitting_script_cuts_whole_keys_at_first_length_only():
    data = {"texts": ["x" * 3000] * 5000, "scores": ["x" * 3000, "y" * (TEXT_LENGTHS[0] + 1)]}
    kept = content(fitting_script(data, name="data", whole=["scores"]))
    assert kept["scores"][0] == data["scores"][0]
    assert kept["scores"][1].endswith(" … (1 more characters)")
    assert len(kept["texts"][0]) < 3000


def test_cut_texts_leaves_keys_and_other_values_unchanged():
    assert cut_texts({"abcdef": [1, True, None, "abcdef"]}, 3) == {
        "abcdef": [1, True, None, "abc … (3 more characters)"]
    }
