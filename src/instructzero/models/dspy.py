"""Language models of DSPy: one attempt at a time, without DSPy's cache and retries, and as black boxes.

DSPy: https://dspy.ai
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from instructzero.errors import ConfigurationError, InstructZeroError
from instructzero.models.capabilities import REMOTE
from instructzero.models.dspy_errors import as_our_error
from instructzero.models.secrets import SECRETS
from instructzero.models.service import public_url
from instructzero.types import Completion, Finish, Message, Request

CONCURRENCY = 16
"""The number of calls in flight, because each has a thread."""

_SECRET = ("key", "token", "secret", "password", "headers", "credential")
_ADDRESSES = ("api_base", "base_url")
_PRICE_MAP = "LITELLM_LOCAL_MODEL_COST_MAP"
_MARK = "dspy outputs: "
"""The beginning of an answer that is more than one text: the outputs as JSON follow."""

_FINISHES = {"length": Finish.CUT, "content_filter": Finish.FILTERED}


def require_dspy() -> Any:
    """Return the module ``dspy``, imported so that its libraries ask no server for prices.

    Raises
    ------
    ConfigurationError
        If it is not installed.
    """
    keep_to_named_hosts()
    if find_spec("dspy") is None:
        raise ConfigurationError(
            "expected DSPy, got an environment without it; install it with pip install 'instructzero[dspy]'"
        )
    return import_module("dspy")


def keep_to_named_hosts() -> None:
    """Keep DSPy and LiteLLM from downloading a list of prices, unless the environment says something about it.

    DSPy would do so at the first call, and LiteLLM when it is imported.
    """
    os.environ.setdefault(_PRICE_MAP, "True")


def is_dspy_lm(value: object) -> bool:
    """Return True for a language model of DSPy; DSPy is not imported to find out."""
    dspy = sys.modules.get("dspy")
    return dspy is not None and isinstance(value, dspy.BaseLM)


@dataclass(frozen=True)
class LMCall:
    """A call of a language model of DSPy.

    Parameters
    ----------
    lm
        The model.
    prompt, messages
        The arguments of the call, of which one is None.
    options
        The keyword arguments of the call.
    """

    lm: Any
    prompt: str | None
    messages: Sequence[Mapping[str, Any]] | None
    options: Mapping[str, Any]

    @property
    def chat(self) -> Sequence[Mapping[str, Any]]:
        """The messages; a prompt is one message of the user."""
        return self.messages or [{"role": "user", "content": self.prompt or ""}]

    def make(self) -> Completion:
        """Call the model once, in this thread, and return its outputs as a completion; see `outputs_of`.

        Raises
        ------
        InstructZeroError
            What the error of the model means for a run.
        """
        try:
            response = self.lm.forward(prompt=self.prompt, messages=self.messages, **self.options)
            outputs = self._outputs(response)
        except InstructZeroError:
            raise
        except Exception as error:
            raise as_our_error(error, name_of(self.lm)) from error
        return completion_of(outputs, response)

    def _outputs(self, response: Any) -> list[Any]:
        if self.lm.model_type == "responses":
            return list(self.lm._process_response(response))
        return list(self.lm._process_completion(response, {**self.lm.kwargs, **self.options}))


def name_of(lm: Any) -> str:
    """Return the name of a model of DSPy for messages."""
    return str(lm.model)


def once(lm: Any) -> Any:
    """Return a copy of a model that asks its service at every call, and once: no cache, no retries."""
    copied = lm.copy(cache=False, num_retries=0)
    for name in ("cache", "num_retries"):  # a class without such an attribute takes them for parameters of a request
        if name not in lm.kwargs:
            copied.kwargs.pop(name, None)
    return copied


def identity_of(lm: Any) -> dict[str, str]:
    """Return the class, the model, the address and the parameters of a model of DSPy, without secrets."""
    kind = type(lm)
    keep_secrets(lm)
    hidden = {*_ADDRESSES, "timeout"}  # a timeout changes no answer
    parameters = {name: value for name, value in public_options(lm.kwargs).items() if name not in hidden}
    address = next((lm.kwargs[name] for name in _ADDRESSES if lm.kwargs.get(name)), None)
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "model": name_of(lm),
        "model_type": str(lm.model_type),
        **({"endpoint": public_url(str(address))} if address else {}),
        "parameters": as_json({name: value for name, value in parameters.items() if value is not None}),
    }


def keep_secrets(lm: Any) -> None:
    """Remember the keys of a model, so that they are masked in what its service sends."""
    usual = os.environ.get(f"{name_of(lm).partition('/')[0].upper()}_API_KEY", "")
    given = [value for name, value in lm.kwargs.items() if _is_secret(name) and isinstance(value, str)]
    SECRETS.keep(*filter(None, [usual, *given]))


def public_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request without those that hold secrets."""
    return {name: value for name, value in options.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    return any(part in name.lower() for part in _SECRET) and not name.startswith("max_")


def as_json(value: object) -> str:
    """Return a value as canonical JSON; a class of pydantic is its schema, and other objects are their texts.

    >>> from datetime import date
    >>> as_json({"day": date(2026, 5, 1), "of": object()})
    '{"day":"2026-05-01","of":"builtins.object"}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_described)


def _described(value: Any) -> Any:
    for method in ("model_json_schema", "model_dump"):
        if hasattr(value, method) and isinstance(value, type) == (method == "model_json_schema"):
            return getattr(value, method)()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    text = str(value)
    return f"{type(value).__module__}.{type(value).__qualname__}" if " at 0x" in text else text


def completion_of(outputs: Sequence[Any], response: Any) -> Completion:
    """Return the outputs of a call with what its response says about the usage, as the store keeps it."""
    usage = _usage(response)
    first = outputs[0] if outputs else ""
    simple = len(outputs) == 1 and isinstance(first, str | None)
    text = (first or "") if simple else ""
    if not simple or text.startswith(_MARK):
        text = _MARK + as_json(outputs)
    return Completion(SECRETS.masked_answer(text), finish=_finish(response) if simple else Finish.COMPLETE, **usage)


def outputs_of(completion: Completion) -> list[Any]:
    """Return the outputs that a model of DSPy returned, from their completion.

    >>> outputs_of(completion_of(["a", "b"], {})), outputs_of(completion_of(["a"], {}))
    (['a', 'b'], ['a'])
    """
    if completion.text.startswith(_MARK):
        return list(json.loads(completion.text.removeprefix(_MARK)))
    return [completion.text]


def usage_of(completion: Completion) -> dict[str, int]:
    """Return the usage of a completion under DSPy's names."""
    prompt, answer = completion.prompt_tokens, completion.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _usage(response: Any) -> dict[str, Any]:
    usage = _field(response, "usage")
    found = {
        "prompt_tokens": _count(usage, "prompt_tokens", "input_tokens"),
        "completion_tokens": _count(usage, "completion_tokens", "output_tokens"),
        "cached_tokens": _count(_first(usage, "prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
        "reasoning_tokens": _count(
            _first(usage, "completion_tokens_details", "output_tokens_details"), "reasoning_tokens"
        ),
    }
    return {name: count for name, count in found.items() if count}


def _finish(response: Any) -> Finish:
    choices = _field(response, "choices") or [None]
    return _FINISHES.get(str(_field(choices[0], "finish_reason")), Finish.COMPLETE)


def _first(value: Any, *names: str) -> Any:
    return next((found for name in names if (found := _field(value, name)) is not None), None)


def _count(value: Any, *names: str) -> int:
    found = _first(value, *names)
    return found if isinstance(found, int) and found > 0 else 0


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


class LMThreads:
    """Threads in which calls of models are made; a base class of black boxes.

    Parameters
    ----------
    lms
        The models; copies of them are called, see `once`.
    concurrency
        The maximum number of calls in flight; None is `CONCURRENCY`.
    """

    capabilities = REMOTE

    def __init__(self, lms: Sequence[Any], concurrency: int | None = None) -> None:
        keep_to_named_hosts()
        self._lms = [once(lm) for lm in lms]
        self._concurrency = concurrency or CONCURRENCY
        self._threads: ThreadPoolExecutor | None = None
        self._is_abandoned = False

    @property
    def concurrency(self) -> int:
        """The maximum number of calls in flight."""
        return self._concurrency

    async def made(self, call: LMCall) -> Completion:
        """Make a call in a thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="instructzero-dspy")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call.make)
        except asyncio.CancelledError:
            self._is_abandoned = True  # nobody waits for the answer any more, and nothing can end the call
            raise

    async def close(self) -> None:
        """Wait for calls that were not cancelled, and free threads and connections; a later call starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=not self._is_abandoned, cancel_futures=True)
        self._is_abandoned = False
        for lm in self._lms:
            if hasattr(lm, "close"):  # its connections; the next call opens new ones
                lm.close()


class DSPyBlackBox(LMThreads):
    """A language model of DSPy as a black box. Its own parameters go before those of a request.

    Parameters
    ----------
    lm
        The model, a ``dspy.LM`` or another ``dspy.BaseLM``; its cache and its retries are not used.
    concurrency
        The maximum number of calls in flight; None is `CONCURRENCY`.
    """

    def __init__(self, lm: Any, *, concurrency: int | None = None) -> None:
        super().__init__([lm], concurrency)
        self._identity = {"backend": "dspy", **identity_of(lm)}
        (self._lm,) = self._lms
        self.capabilities = replace(REMOTE, temperature=not self._has_own("temperature"))

    @classmethod
    def load(cls, name: str, *, concurrency: int | None = None, **parameters: Any) -> DSPyBlackBox:
        """Return the model ``PROVIDER/MODEL`` of DSPy with these parameters; raise `ConfigurationError` without DSPy.

        >>> DSPyBlackBox.load("openai/gpt-4o-mini", api_key="none").identity["model"]
        'openai/gpt-4o-mini'
        """
        dspy = require_dspy()
        try:
            return cls(dspy.LM(name, **parameters), concurrency=concurrency)
        except (ValueError, TypeError) as error:
            raise as_our_error(error, name) from error

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the model, without secrets."""
        return self._identity

    async def complete(self, request: Request) -> Completion:
        """Call the model once; an answer of several outputs is the text of the first."""
        completion = await self.made(LMCall(self._lm, None, list(map(_turn, request.messages)), self._options(request)))
        first = next(iter(outputs_of(completion)), "")
        return replace(completion, text=str((first.get("text") if isinstance(first, dict) else first) or ""))

    def _options(self, request: Request) -> dict[str, Any]:
        limited = self._has_own("max_tokens") or self._has_own("max_completion_tokens")
        limit = "max_completion_tokens" if "max_completion_tokens" in self._lm.kwargs else "max_tokens"
        options = {} if limited else {limit: request.max_tokens}
        return options if self._has_own("temperature") else {**options, "temperature": request.temperature}

    def _has_own(self, name: str) -> bool:
        """Return True if the model sets a parameter itself; models that reason take no temperature."""
        kwargs = self._lm.kwargs
        reasons = name == "temperature" and "max_completion_tokens" in kwargs
        return reasons or kwargs.get(name) is not None


def _turn(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}
