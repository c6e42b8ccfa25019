"""Forms in which models give an answer, and answerers that are always right or always wrong in each of them."""

import pytest

from instructzero.tasks import get_metric

FORMS = {
    "bare": "{}",
    "sentence": "The answer is {}.",
    "bold": "**{}**",
    "boxed": r"\boxed{{{}}}",
    "fenced": "```\n{}\n```",
    "after thoughts": "<think>It may be {other}.</think>{}",
    "full stop": "{}.",
    "other case": None,
    "quoted": '"{}"',
    "label": "Answer: {}",
}
"""Templates by name; None stands for the answer with upper and lower case exchanged."""


def in_form(form, answer, other):
    """Return ``answer`` in ``form``; ``other`` is an answer that the model thinks of on the way."""
    template = FORMS[form]
    return answer.swapcase() if template is None else template.format(answer, other=other)


def check_answerers(spec, form, right, wrong):
    """Assert that an always-right answerer scores 1 and an always-wrong one 0 on the answers ``right``."""
    metric = get_metric(spec)
    for answer, mistake in zip(right, wrong, strict=True):
        assert metric(in_form(form, answer, mistake), [answer]) == 1.0, (form, answer)
        assert metric(in_form(form, mistake, answer), [answer]) == 0.0, (form, mistake)


def form_parameters(*without):
    """Return the forms as parameters of a test, but for those that the metrics page says a metric does not accept."""
    return [pytest.param(form, id=form) for form in FORMS if form not in without]
