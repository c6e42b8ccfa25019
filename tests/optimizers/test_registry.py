"""Methods by name: constructed from the settings, with the parts that they have and no others."""

import inspect
from dataclasses import replace

import pytest
import torch

from instructzero.checks import check_writer
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.optimizers import Optimizer, Uniform
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.registry import (
    Materials,
    Method,
    build_optimizer,
    confirms,
    get_method,
    races,
    stops_early,
)
from instructzero.optimizers.sources import ENDS
from instructzero.pricing import pays_for_texts
from instructzero.registry import METHODS
from instructzero.types import Evaluation, Proposal, Trial, Writing

LAYER = torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
MATERIALS = Materials(
    represent=lambda points: torch.tanh(torch.tensor(points, dtype=torch.float64) @ LAYER),
    demonstrations="Input: hot\nOutput: cold",
)
TEXTS = {"ape", "opro", "evoprompt-ga", "evoprompt-de", "capo", "reflect"}
WRITERS = {"instructzero", *TEXTS}
OF_POINTS = {"paper", "dro"}
INITIAL = inspect.signature(ReadingInstructZero).parameters["initial"].default


def settings(method, **parts):
    return make_settings({"task": "sum", "method": method, **parts})


def ask(method, limit=100, **parts):
    return build_optimizer(settings(method, **parts), MATERIALS).ask(limit)


def test_every_built_in_method_has_a_summary_of_one_line():
    assert "instructzero" in METHODS.own
    for name in METHODS.own:
        assert "\n" not in get_method(name).summary
        assert 10 < len(get_method(name).summary) <= 100


@pytest.mark.parametrize("name", METHODS.own)
def test_every_method_is_constructed_and_asks_for_its_kind_of_proposals(name):
    proposals = ask(name)
    assert all(isinstance(proposal, Proposal) and len(proposal.z) == 10 for proposal in proposals)
    assert all((proposal.rewrite is not None) == (name in TEXTS) for proposal in proposals)
    assert ask(name) == proposals != ask(name, seed=1)
    assert get_method(name).rewrites == (name in WRITERS)
    assert bool(get_method(name).requests) == (name in WRITERS)


def test_variants_of_a_method_propose_differently():
    """Their first population is the same, the next one is not."""
    seconds = []
    for name in ("evoprompt-ga", "evoprompt-de"):
        optimizer = build_optimizer(settings(name), MATERIALS)
        optimizer.tell(
            [
                Trial(number, 0, proposal, Writing(text, text), Evaluation((number / 9,), ("",)))
                for number, proposal in enumerate(optimizer.ask(10))
                for text in [f"write {number} words"]
            ]
        )
        seconds.append(optimizer.ask(10))
    assert seconds[0] != seconds[1]
    assert ask("instructzero") != ask("paper")


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_text_methods_quote_the_demonstrations(name):
    assert all(MATERIALS.demonstrations in proposal.rewrite.prompt for proposal in ask(name))


@pytest.mark.parametrize(
    ("method", "usual", "of_seven"),
    [
        ("instructzero", 2 * INITIAL, 14),
        ("paper", 25, 7),
        ("ape", 25, 7),
        ("opro", 20, 7),
        ("evoprompt-ga", 10, 7),
        ("evoprompt-de", 10, 7),
        ("capo", 10, 7),
        ("reflect", 8, 7),
        ("dro", 20, 14),
    ],
)
def test_first_round_has_the_set_size(method, usual, of_seven):
    assert len(ask(method)) == usual
    assert len(ask(method, initial=7)) == of_seven


def test_batch_sets_the_size_of_a_round_of_methods_that_have_one():
    assert len(ask("uniform")) == 25
    assert len(ask("uniform", batch=3)) == 3
    assert ask("uniform", initial=3) == ask("uniform")
    assert ask("evoprompt-ga", batch=3) == ask("evoprompt-ga")


@pytest.mark.parametrize("method", sorted(set(METHODS.own) - OF_POINTS))
def test_part_that_a_method_does_not_have_is_refused(method):
    with pytest.raises(ConfigurationError, match=f"'{method}' has no kernel, got 'standard'; leave --kernel out"):
        ask(method, kernel="standard")


@pytest.mark.parametrize("method", sorted(OF_POINTS))
def test_search_of_points_takes_all_parts_of_it(method):
    assert len(ask(method, candidates=3, initial=5, kernel="standard", geometry="sphere")) == 10


def test_share_of_continued_texts_is_a_part_of_the_default_method_only():
    assert len(ask("instructzero", candidates=3, initial=5, continued=0.2)) == 10
    for method in set(METHODS.own) - {"instructzero"}:
        with pytest.raises(ConfigurationError, match=f"'{method}' has no continued, got 0.2; leave --continued out"):
            ask(method, continued=0.2)


def test_races_default_is_true_for_three_methods():
    assert {name for name in METHODS.own if races(settings(name))} == {"instructzero", "capo", "reflect"}
    assert races(settings("ape", racing=True))
    assert not races(settings("capo", racing=False))


def test_pays_for_texts_is_true_only_for_methods_that_rewrite():
    assert {name for name in METHODS.own if pays_for_texts(settings(name, rewriter="blackbox"))} == WRITERS
    assert not any(pays_for_texts(settings(name)) for name in METHODS.own)


@pytest.mark.parametrize(("rewriter", "texts"), [("writer", ENDS), ("blackbox", 1)])
def test_paid_continuations_ask_for_one_ending(rewriter, texts):
    chosen = settings("instructzero", rewriter=rewriter, initial=5, batch=5, candidates=4, continued=0.5)
    optimizer = build_optimizer(chosen, replace(MATERIALS, pays_for_texts=pays_for_texts(chosen)))
    optimizer.tell(
        [
            Trial(number, 0, proposal, Writing(text, text), Evaluation((number / 9,), ("",)))
            for number, proposal in enumerate(optimizer.ask(5)[:5])
            for text in [f"write {number} words"]
        ]
    )
    rewrites = [proposal.rewrite for proposal in optimizer.ask(5) if proposal.rewrite is not None]
    parents = {rewrite.prompt for rewrite in rewrites}
    assert len(parents) > 1
    assert len(rewrites) == texts * len(parents)


def test_methods_without_a_pool_never_represent_points():
    """The representation of a pool takes time, so that other methods must not compute it."""

    def refuse(points):
        raise AssertionError("not expected")

    for name in set(METHODS.own) - {"instinct", "zopo", "presto"}:
        build_optimizer(settings(name), replace(MATERIALS, represent=refuse)).ask(10)


def test_served_writer_is_refused_only_by_methods_that_need_hidden_states():
    for name in METHODS.own:
        if name in {"instinct", "zopo", "presto"}:
            with pytest.raises(ConfigurationError, match="local writer"):
                check_writer(settings(name, writer="vllm:m"))
            check_writer(settings(name))
        else:
            check_writer(settings(name, writer="vllm:m"))


def test_paper_alone_selects_by_validation_and_spends_all_evaluations():
    assert [name for name in METHODS.own if not confirms(settings(name))] == ["paper"]
    assert [name for name in METHODS.own if not stops_early(settings(name))] == ["paper"]
    assert stops_early(settings("paper", stop_early=True))


class Corners(Optimizer):
    """Always the corner.

    More about it.
    """

    def __init__(self, dimension, seed, batch=2, represent=None, shift=0.0):
        self.dimension, self.batch, self.represent = dimension, batch, represent

    def ask(self, limit):
        return [Proposal((1.0,) * self.dimension)] * min(self.batch, limit)

    def tell(self, trials, unpaid=()):
        """Ignore them."""


class Needy(Corners):
    def __init__(self, dimension, key):
        raise AssertionError("not constructed")


class Broken(Corners):
    def __init__(self, dimension, seed):
        raise ValueError("no luck")


CONSTANT = Method("constant", lambda arguments, materials: Uniform(dimension=1, seed=0), parts={})


@pytest.fixture
def here():
    """The prefix of the name of a method in this module."""
    return f"python:{__name__}:"


def test_class_is_wrapped_as_a_method_with_the_parts_that_it_names(here):
    method = get_method(f"{here}Corners")
    assert (method.summary, method.parts, method.represents, method.rewrites) == (
        "Always the corner.",
        {"batch": "batch"},
        True,
        False,
    )
    optimizer = build_optimizer(settings(f"{here}Corners", batch=3, initial=7), MATERIALS)
    assert isinstance(optimizer, Corners)
    assert optimizer.represent is MATERIALS.represent
    assert len(optimizer.ask(10)) == 3


def test_method_record_is_returned_as_it_is(here):
    assert get_method(f"{here}CONSTANT") is CONSTANT
    assert isinstance(build_optimizer(settings(f"{here}CONSTANT"), MATERIALS), Uniform)


def test_wrapped_class_refuses_other_parts_and_served_writers(here):
    with pytest.raises(ConfigurationError, match="has no kernel, got 'standard'; leave --kernel out"):
        build_optimizer(settings(f"{here}Corners", kernel="standard"), MATERIALS)
    with pytest.raises(ConfigurationError, match="local writer"):
        check_writer(settings(f"{here}Corners", writer="vllm:m"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("python:", "expected python:MODULE:CLASS, such as"),
        ("python:no_such_module", "expected python:MODULE:CLASS, such as"),
        ("python:no_such_module:Class", "got ModuleNotFoundError: .*; start in the folder of no_such_module, or fix"),
        ("{here}Absent", "got AttributeError: .*has no attribute 'Absent'"),
        ("{here}settings", "expected a Method or a subclass of Optimizer, got function"),
        ("{here}Materials", "expected a Method or a subclass of Optimizer, got Materials"),
        ("{here}Needy", "Needy.__init__ to take the keywords dimension and seed, .* got one without seed"),
        ("nowhere", "unknown method 'nowhere'; expected one of ape, capo"),
    ],
)
def test_name_that_gives_no_method_is_refused_in_one_sentence(here, name, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        get_method(name.format(here=here))
    assert "\n" not in str(caught.value)


def test_class_that_cannot_be_constructed_is_refused_in_one_sentence(here):
    with pytest.raises(ConfigurationError, match="Broken to be constructed, got ValueError: no luck; fix its __init__"):
        build_optimizer(settings(f"{here}Broken"), MATERIALS)
