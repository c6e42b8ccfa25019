"""Black boxes that DSPy asks, at any service that DSPy knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from instructzero.errors import ModelError
from instructzero.models.capabilities import REMOTE
from instructzero.models.registry import Backend, BlackBoxOptions, Role

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    from instructzero.models.dspy import DSPyBlackBox

    if options.headers:
        raise ModelError(
            f"expected no --header for the {options.role} dspy:{name}, got some, which DSPy does not send; leave it "
            "out, or use openai:MODEL"
        )
    return DSPyBlackBox.load(name, concurrency=options.concurrency, **_parameters(options))


def _parameters(options: BlackBoxOptions) -> dict[str, Any]:
    """Return the parameters of the model: the address, the key, the timeout and further fields, if given."""
    key = os.environ.get(options.api_key_variable, "") if options.api_key_variable else ""
    if options.api_key_variable and not key.strip():
        raise ModelError(
            f"expected the key of the {options.role} in the environment variable {options.api_key_variable}, got none; "
            "set it, or leave --key-env out"
        )
    given = {"api_base": options.base_url, "api_key": key or None, "timeout": options.timeout}
    return {**options.extra_body, **{name: value for name, value in given.items() if value is not None}}


BACKEND = Backend(
    form="dspy:PROVIDER/MODEL",
    capabilities=REMOTE,
    blackbox=Role("any model that DSPy can ask, with the extra dspy; key as DSPy takes it", _blackbox),
    refusal="services behind an API take text only",
)
