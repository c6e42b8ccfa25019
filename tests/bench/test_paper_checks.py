"""A figure of the paper that cannot be drawn is refused before the first cell; others are drawn of any tasks."""

import pytest

from instructzero.bench.paper_checks import check_paper
from instructzero.bench.plan import cells_of
from instructzero.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("fig1", {"methods": ["instructzero", "paper"]}, "expected one of these and another method, got instructzero"),
        ("fig1", {"methods": ["ape", "uniform"]}, "expected one of these and another method, got ape, uniform"),
        ("fig5", {}, "fig5 shows iterations of 25 evaluations: expected at least so many, got 12 of uniform on fruit"),
        ("fig6", {}, "fig6 shows iterations of 25 evaluations"),
    ],
)
def test_figure_that_the_plan_cannot_give_is_refused(plan, name, values, message):
    with pytest.raises(ConfigurationError, match=message):
        check_paper(name, cells_of(plan(**values)))


@pytest.mark.parametrize("name", ["fig6", "table1"])
def test_figure_of_soft_prompts_with_a_writer_in_words_is_refused(plan, name):
    models = {"asked": {"writer": "openai:writer", "blackbox": "scripted:obey"}}
    with pytest.raises(ConfigurationError, match=f"{name} needs a writer that takes soft prompts"):
        check_paper(name, cells_of(plan(models=models, methods=["ape"])))


@pytest.mark.parametrize("name", ["fig1", "fig4", "fig5", "fig6", "table1"])
def test_figure_of_named_tasks_and_methods_is_accepted(plan, name):
    settings = {**plan().settings, "evaluations": 50}
    check_paper(name, cells_of(plan(settings=settings, methods=["uniform", "instructzero"])))
