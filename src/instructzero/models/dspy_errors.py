"""What the errors of DSPy's language models mean for a run."""

from __future__ import annotations

from typing import Any

from instructzero.errors import InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models.secrets import SECRETS

_PASSING = {"LMRateLimitError", "LMTimeoutError", "LMServerError", "LMTransportError", "LMLockTimeoutError"}
_MAYBE_PAID = {"LMTimeoutError", "LMTransportError", "LMStreamAssemblyError"}
_OF_THE_USER = {
    "LMAuthError": "check its key",
    "LMBillingError": "check the account of the key",
    "LMConfigurationError": "correct its parameters",
    "LMUnsupportedModelError": "check the name of the model",
    "LMUnsupportedFeatureError": "leave the parameter out, or choose another model",
    "ImportError": "install what it names",
}
_OVERLOADED = 503, 529
_LONGEST = 200  # characters of a message


def as_our_error(error: Exception, model: str) -> InstructZeroError:
    """Return the error of a run for an error of the language model ``model`` of DSPy.

    >>> type(as_our_error(ValueError("no such tool"), "openai/demo")).__name__
    'RefusedQuestion'
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = _said(error)
    if kinds & _PASSING:
        return _passing(error, kinds, f"the language model {model} answers with an error ({said})")
    if found := next((remedy for name, remedy in _OF_THE_USER.items() if name in kinds), None):
        return ModelError(f"the language model {model} cannot be used ({said}); {found}")
    return RefusedQuestion(
        f"the language model {model} refuses the request ({said}); correct its parameters, or choose another model",
        reason=said,
        about_content="ContextWindowExceededError" in kinds,
    )


def _passing(error: Any, kinds: set[str], sentence: str) -> TransientError:
    retry_after = getattr(error, "retry_after", None)
    return TransientError(
        sentence,
        retry_after=retry_after if isinstance(retry_after, int | float) else None,
        throttled="LMRateLimitError" in kinds,
        overloaded=getattr(error, "status", None) in _OVERLOADED,
        maybe_paid=bool(kinds & _MAYBE_PAID),
    )


def _said(error: Exception) -> str:
    """Return the kind and the message of an error on one line, without keys."""
    text = " ".join(SECRETS.masked(str(error)).split()).rstrip(".")
    return f"{type(error).__name__}: {text[:_LONGEST]}" if text else type(error).__name__
