"""The default directory of a run: the old name for the embedded models, and one of its own for every other model."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.config import Settings
from instructzero.records.places import default_directory

SPECS = st.one_of(
    st.sampled_from(["openai:m", "openai:M", "openai:a/m", "openai:b/m", "openai:m/", "hf:m", "./m", "python:m:f"]),
    st.builds("{}:{}".format, st.sampled_from(["openai", "hf", "python"]), st.text(min_size=1)),
)


def directory(**settings):
    return default_directory(Settings(task="sum", **settings))


def test_embedded_models_have_no_name_in_the_directory():
    assert directory(seed=3, method="paper") == Path("runs/sum-paper-3")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"blackbox": "openai:gpt-4o-mini"}, r"sum-instructzero-0-openai-gpt-4o-mini"),
        ({"writer": "vllm:qwen"}, r"sum-instructzero-0\+vllm-qwen"),
        ({"blackbox": "openai:m", "writer": "openai:w"}, r"sum-instructzero-0-openai-m\+openai-w"),
        ({"blackbox": "hf:/models/smol"}, r"sum-instructzero-0-hf-smol-\w{8}"),
        ({"blackbox": "python:module:answer"}, r"sum-instructzero-0-python-module-answer-\w{8}"),
        ({"blackbox": "openai:m", "base_url": "http://host:8000/v1"}, r"sum-instructzero-0-openai-m-\w{8}"),
    ],
)
def test_other_models_are_named(settings, name):
    assert re.fullmatch(f"runs/{name}", str(directory(**settings)))


@given(st.lists(st.tuples(SPECS, SPECS, st.sampled_from([None, "http://a/v1", "http://b/v1"])), min_size=2, max_size=2))
def test_two_pairs_of_models_never_share_a_directory(pairs):
    places = {directory(blackbox=blackbox, writer=writer, base_url=address) for blackbox, writer, address in set(pairs)}
    assert len(places) == len(set(pairs))
    for place in places:
        assert re.fullmatch(r"[A-Za-z0-9_.+-]+", place.name)
        assert len(place.name) < 150
        assert place.parent == Path("runs")
