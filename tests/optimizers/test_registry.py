"""Methods by name: made of the settings, with the parts that they have and no others."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from instructzero.config import Settings, make_settings
from instructzero.errors import ConfigurationError
from instructzero.optimizers.registry import METHODS, Materials, build_optimizer, check_writer, pays_for_texts, races
from instructzero.types import Evaluation, Proposal, Trial, Writing

LAYER = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
MATERIALS = Materials(
    represent=lambda points: torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER),
    demonstrations="Input: hot\nOutput: cold",
)
TEXTS = {"ape", "opro", "evoprompt-ga", "evoprompt-de", "capo"}
WRITERS = {"instructzero", *TEXTS}


def settings(method, **parts):
    return make_settings({"task": "sum", "method": method, **parts})


def ask(method, limit=100, **parts):
    return build_optimizer(settings(method, **parts), MATERIALS).ask(limit)


def test_every_method_of_the_settings_is_there():
    assert list(get_args(Settings.model_fields["method"].annotation)) == list(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_made_and_asks_in_its_own_way(name):
    proposals = ask(name)
    assert all(isinstance(each, Proposal) and len(each.z) == 10 for each in proposals)
    assert all((each.rewrite is not None) == (name in TEXTS) for each in proposals)
    assert ask(name) == proposals != ask(name, seed=1)
    assert METHODS[name].rewrites == (name in WRITERS)


def test_the_variants_of_a_method_are_others():
    """Their first population is the same, what becomes of it is not."""
    seconds = []
    for name in ("evoprompt-ga", "evoprompt-de"):
        optimizer = build_optimizer(settings(name), MATERIALS)
        optimizer.tell(
            [
                Trial(number, 0, each, Writing(text, text), Evaluation((number / 9,), ("",)))
                for number, each in enumerate(optimizer.ask(10))
                for text in [f"write {number} words"]
            ]
        )
        seconds.append(optimizer.ask(10))
    assert seconds[0] != seconds[1]
    assert ask("instructzero") != ask("paper")


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_texts_are_guessed_from_the_demonstrations(name):
    assert all(MATERIALS.demonstrations in each.rewrite.prompt for each in ask(name))


@pytest.mark.parametrize(
    ("method", "usual", "of_seven"),
    [
        ("instructzero", 20, 14),
        ("paper", 25, 7),
        ("ape", 25, 7),
        ("opro", 20, 7),
        ("evoprompt-ga", 10, 7),
        ("evoprompt-de", 10, 7),
        ("capo", 10, 7),
        ("dro", 20, 14),
    ],
)
def test_the_first_round_has_the_size_that_is_set(method, usual, of_seven):
    assert len(ask(method)) == usual
    assert len(ask(method, initial=7)) == of_seven


def test_the_size_of_a_round_is_set_where_there_is_one():
    assert len(ask("uniform")) == 25
    assert len(ask("uniform", batch=3)) == 3
    assert ask("uniform", initial=3) == ask("uniform")
    assert ask("evoprompt-ga", batch=3) == ask("evoprompt-ga")


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"instructzero", "paper", "dro"}))
def test_a_part_that_a_method_does_not_have_is_refused(method):
    with pytest.raises(ConfigurationError, match=f"'{method}' has no kernel, got 'standard'; leave --kernel out"):
        ask(method, kernel="standard")


@pytest.mark.parametrize("method", ["instructzero", "paper", "dro"])
def test_the_family_takes_all_parts(method):
    assert len(ask(method, candidates=3, initial=5, kernel="standard", geometry="sphere")) == 10


def test_two_methods_race_by_default():
    assert {name for name in METHODS if races(settings(name))} == {"instructzero", "capo"}
    assert races(settings("ape", racing=True))
    assert not races(settings("capo", racing=False))


def test_only_texts_made_from_texts_may_be_paid_for():
    assert {name for name in METHODS if pays_for_texts(settings(name, rewriter="blackbox"))} == WRITERS
    assert not any(pays_for_texts(settings(name)) for name in METHODS)


@pytest.mark.parametrize(("rewriter", "texts"), [("writer", 8), ("blackbox", 1)])
def test_paid_continuations_are_asked_for_one_at_a_time(rewriter, texts):
    optimizer = build_optimizer(settings("instructzero", rewriter=rewriter, initial=5), MATERIALS)
    optimizer.tell(
        [
            Trial(number, 0, each, Writing(text, text), Evaluation((number / 9,), ("",)))
            for number, each in enumerate(optimizer.ask(5)[:5])
            for text in [f"write {number} words"]
        ]
    )
    rewrites = [each.rewrite for each in optimizer.ask(5) if each.rewrite is not None]
    assert len(rewrites) == 3 * texts
    assert len({each.start for each in rewrites} | {each.prompt for each in rewrites}) >= 3


def test_what_a_method_does_not_need_is_not_made():
    """Representing a pool takes time; who searches no pool never asks for it."""

    def refuse(points):
        raise AssertionError("nobody asked")

    for name in METHODS.keys() - {"instinct", "zopo", "presto"}:
        build_optimizer(settings(name), replace(MATERIALS, represent=refuse)).ask(10)


def test_a_writer_on_a_server_is_refused_only_where_its_hidden_states_are_needed():
    for name in METHODS:
        if name in {"instinct", "zopo", "presto"}:
            with pytest.raises(ConfigurationError, match="local writer"):
                check_writer(settings(name, writer="vllm:m"))
            check_writer(settings(name))
        else:
            check_writer(settings(name, writer="vllm:m"))
