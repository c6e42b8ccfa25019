"""A DSPy program in which one predictor has a candidate instruction, and whose models are paid."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dspy

from instructzero.errors import ConfigurationError, TaskError
from instructzero.integrations.dspy.fields import as_text
from instructzero.integrations.dspy.lm import ACCOUNT, Account, PaidLM
from instructzero.models.dspy import as_json, identity_of, is_dspy_lm
from instructzero.models.fingerprint import fingerprint
from instructzero.tasks.metric import Grade

_LONGEST_REASON = 300  # characters

Metric = Callable[..., Any]
"""A metric of DSPy: ``metric(example, prediction, trace=None)`` returns a number from 0 to 1, or True or False.

It may also return a ``dspy.Prediction``, or a dictionary, with ``score`` and ``feedback``; methods that learn from
failures read the feedback. Further parameters without a default, as those of DSPy's GEPA, receive None.
"""


def scored_by(metric: Metric, example: Any, prediction: Any) -> Any:
    """Return what a metric returns.

    >>> scored_by(lambda gold, pred, trace, pred_name, pred_trace: gold == pred, "a", "a")
    True
    """
    return metric(example, prediction, *_further(metric))


def check_metric(metric: Metric) -> None:
    """Raise `ConfigurationError` for what cannot be called with an example and a prediction."""
    try:
        inspect.signature(metric).bind("example", "prediction", *_further(metric))
    except ValueError:  # a function of C without a signature
        pass
    except TypeError as error:
        raise ConfigurationError(
            f"expected a function metric(example, prediction, trace=None), got {_named(metric)} ({error}); give one"
        ) from None


def _further(metric: Metric) -> list[None]:
    """Return None for each further positional parameter of a metric that has no default."""
    try:
        parameters = list(inspect.signature(metric).parameters.values())
    except ValueError:
        return []
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return [None for one in positional[2:] if one.default is one.empty]


def _named(metric: object) -> str:
    return getattr(metric, "__qualname__", type(metric).__qualname__)


@dataclass(frozen=True)
class Outcome:
    """The result of one run of a program on one example: its answer as text with a grade, or why there is none."""

    text: str = ""
    grade: Grade = field(default_factory=lambda: Grade(0.0))
    failure: str = ""


def instruction_of(program: Any, predictor: str) -> str:
    """Return the instruction of a predictor."""
    return str(dict(program.named_predictors())[predictor].signature.instructions)


def with_instruction(program: Any, predictor: str, text: str) -> Any:
    """Return a copy of a program in which a predictor has another instruction."""
    copied = program.deepcopy()
    found = dict(copied.named_predictors())[predictor]
    found.signature = found.signature.with_instructions(text)
    return copied


def models_of(program: Any) -> list[Any]:
    """Return the models that a program may ask, without repetition: its own, and those of DSPy's settings.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    holders = [module for _, module in program.named_sub_modules()]
    values = [dspy.settings.lm, *_lms(dspy.settings.adapter), *(lm for holder in holders for lm in _lms(holder))]
    models = {as_json(identity_of(lm)): lm for lm in values if is_dspy_lm(lm)}
    if not models:
        raise ConfigurationError(
            "expected a language model for the program, got none; call dspy.configure(lm=dspy.LM(...)) first"
        )
    return list(models.values())


def _lms(holder: object) -> Iterator[Any]:
    """Yield the models among the attributes of an object, also in lists and dictionaries."""
    for value in vars(holder).values() if hasattr(holder, "__dict__") else ():
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        yield from filter(is_dspy_lm, inner)


def fingerprint_of(program: Any) -> str:
    """Return a digest of a program: the code of its classes, and the state of its predictors without their models."""
    classes = sorted({fingerprint(type(module)) for _, module in program.named_sub_modules()})
    states = {name: _state(predictor) for name, predictor in program.named_predictors()}
    text = as_json([classes, states])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _state(predictor: Any) -> dict[str, Any]:
    state = predictor.dump_state()
    return {name: value for name, value in state.items() if name in ("signature", "demos")}


class Candidates:
    """Runs a program with candidate instructions for one predictor.

    Parameters
    ----------
    program
        The program; it is not changed.
    predictor
        The name of the predictor.
    metric
        Scores the answer to an example.
    """

    def __init__(self, program: Any, predictor: str, metric: Metric) -> None:
        self._program = program
        self._predictor = predictor
        self._metric = metric
        self._settings = _paid_settings()

    def with_instruction(self, text: str) -> Any:
        """Return the program with an instruction, and with paid models."""
        copied = with_instruction(self._program, self._predictor, text)
        for _, module in copied.named_sub_modules():
            _pay(module)
        return copied

    def run(self, program: Any, example: Any, account: Account) -> Outcome:
        """Run a program of `with_instruction` on an example; an exception of it, or of the metric, is a failure.

        Raises
        ------
        TaskError
            If the metric returns no number from 0 to 1.
        """
        with dspy.context(**self._settings, **{ACCOUNT: account}):
            try:
                answer = _answer(program, dict(example.inputs()))
                found = scored_by(self._metric, example, answer)
            except Exception as error:
                return Outcome(failure=_reason(error))
        return Outcome(as_text(answer), _grade(found))


def _paid_settings() -> dict[str, Any]:
    """Return the settings of DSPy in this context, with paid models; the context is not that of other threads."""
    own = dict(dspy.settings.copy())
    for name in ("lm", "adapter"):
        own[name] = _paid(own.get(name))
    for name in ("trace", "caller_modules", "caller_predict", "send_stream"):
        own.pop(name, None)
    return own


def _pay(holder: object) -> None:
    """Put paid models in the place of those among the attributes of an object."""
    for name, value in vars(holder).items():
        if any(map(is_dspy_lm, _inner(value))):
            setattr(holder, name, _paid(value))


def _paid(value: Any) -> Any:
    """Return a model, or a copy of what holds models, with paid ones."""
    if is_dspy_lm(value):
        return PaidLM(value)
    if isinstance(value, dict):
        return {name: _paid(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_paid, value))
    if isinstance(value, dspy.Adapter) and any(_lms(value)):
        value = copy.copy(value)
        _pay(value)
    return value


def _inner(value: Any) -> Any:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]


def _answer(program: Any, inputs: Mapping[str, Any]) -> Any:
    if _is_async_only(program):
        return asyncio.run(partial(program.acall, **inputs)())
    return program(**inputs)


def _is_async_only(program: Any) -> bool:
    """Return True for a program that has ``aforward``, and no ``forward``; DSPy warns of a look at its attribute."""
    return inspect.iscoroutinefunction(getattr(type(program), "aforward", None)) and not hasattr(
        type(program), "forward"
    )


def _grade(found: Any) -> Grade:
    score, remark = _parts(found)
    try:
        number = float(score)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise TaskError(
            f"expected a number from 0 to 1, or True or False, from the metric, got {score!r:.80}; fix the metric"
        )
    return Grade(number, remark)


def _parts(found: Any) -> tuple[Any, str]:
    """Return the score and the feedback of what a metric has returned."""
    if isinstance(found, Mapping):
        return found.get("score"), str(found.get("feedback") or "")
    return getattr(found, "score", found), str(getattr(found, "feedback", "") or "")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON] if text else type(error).__name__
