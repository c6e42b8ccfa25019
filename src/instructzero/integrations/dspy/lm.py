"""The language models of a program, asked through the paid answers of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Protocol

import dspy
from dspy.utils.callback import with_callbacks
from dspy.utils.exceptions import ContextWindowExceededError, LMInvalidRequestError

from instructzero.errors import ConfigurationError
from instructzero.models.dspy import (
    LMCall,
    LMThreads,
    as_json,
    identity_of,
    name_of,
    outputs_of,
    public_options,
    usage_of,
)
from instructzero.types import Completion, Finish, Message, Request

ACCOUNT = "instructzero_account"
"""The setting of DSPy that holds the account of the current run of a program, in all its threads and tasks."""

ANSWER_TOKENS = 4096
"""The tokens that are set aside for an answer of a model without a limit."""

_NOT_PARAMETERS = ("cache", "num_retries")


class Account(Protocol):
    """Asks the calls of one run of a program."""

    def ask(self, call: LMCall) -> Future[Completion]:
        """Return the future answer to a call; it may be asked in any thread."""
        ...


class PaidLM(dspy.BaseLM):  # type: ignore[misc, unused-ignore]
    """Behaves as the model ``lm``, but every call is paid, stored and limited by the run that it is a part of."""

    def __init__(self, lm: Any) -> None:
        super().__init__(lm.model, model_type=lm.model_type, cache=False, callbacks=lm.callbacks, num_retries=0)
        self.kwargs = dict(lm.kwargs)
        self.history = lm.history
        self.lm = lm

    @with_callbacks  # type: ignore[untyped-decorator, unused-ignore]
    def __call__(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> list[Any]:
        """Return the outputs of the model, as it would."""
        completion = _account().ask(self._call(prompt, messages, kwargs)).result()
        return self._recorded(completion, prompt, messages, kwargs)

    @with_callbacks  # type: ignore[untyped-decorator, unused-ignore]
    async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> list[Any]:
        """Return the outputs of the model, as it would."""
        completion = await asyncio.wrap_future(_account().ask(self._call(prompt, messages, kwargs)))
        return self._recorded(completion, prompt, messages, kwargs)

    @property
    def supports_function_calling(self) -> bool:
        """What the model says."""
        return bool(self.lm.supports_function_calling)

    @property
    def supports_reasoning(self) -> bool:
        """What the model says."""
        return bool(self.lm.supports_reasoning)

    @property
    def supports_response_schema(self) -> bool:
        """What the model says."""
        return bool(self.lm.supports_response_schema)

    @property
    def supported_params(self) -> set[str]:
        """What the model says."""
        return set(self.lm.supported_params)

    def __deepcopy__(self, memo: dict[int, Any]) -> PaidLM:
        return self

    def _call(self, prompt: Any, messages: Any, kwargs: Mapping[str, Any]) -> LMCall:
        if not isinstance(prompt, str | None) or "request" in kwargs:
            raise ConfigurationError(
                f"expected calls of the model {self.model} with a prompt or with messages, got a request of "
                "dspy.lm15, which is not supported here; let an adapter make the call"
            )
        merged = {**self.kwargs, **kwargs}
        own = self.lm.kwargs
        changed = {name: value for name, value in merged.items() if name not in own or own[name] != value}
        options = {name: value for name, value in changed.items() if name not in _NOT_PARAMETERS}
        return LMCall(self.lm, prompt, messages, options)

    def _recorded(self, completion: Completion, prompt: Any, messages: Any, kwargs: Mapping[str, Any]) -> list[Any]:
        if completion.finish is Finish.FAILED:
            is_long = "ContextWindowExceededError" in completion.reason
            raise (ContextWindowExceededError if is_long else LMInvalidRequestError)(
                model=self.model, message=completion.reason
            )
        response = SimpleNamespace(model=self.model, usage=usage_of(completion), text=completion.text)
        outputs = outputs_of(completion)
        self._record_response(response, prompt, messages, outputs, dict(kwargs))
        return outputs


def _account() -> Account:
    account: Account | None = dspy.settings.get(ACCOUNT)
    if account is None:
        raise ConfigurationError(
            "expected a call of the model from within the program, got one from elsewhere, such as a thread of its "
            "own without DSPy's context; start threads with dspy.Parallel"
        )
    return account


class ProgramModels(LMThreads):
    """The models of a program as one black box; it answers requests that `request` has made.

    Parameters
    ----------
    lms
        The models, without repetition.
    concurrency
        The maximum number of calls in flight.
    """

    def __init__(self, lms: Sequence[Any], concurrency: int | None = None) -> None:
        super().__init__(lms, concurrency)
        self._identities = [identity_of(lm) for lm in lms]
        self._calls: dict[Request, LMCall] = {}

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the model, or the list of the identities of several."""
        if len(self._identities) == 1:
            return {"backend": "dspy", **self._identities[0]}
        return {"backend": "dspy", "models": as_json(self._identities)}

    def request(self, call: LMCall) -> Request:
        """Return a call as the request under which its answer is stored, and remember how to make it."""
        number = self._identities.index(identity_of(call.lm))
        request = _request(call, {"lm": name_of(call.lm), "number": number} if number else {})
        self._calls[request] = LMCall(self._lms[number], call.prompt, call.messages, call.options)
        return request

    def forget(self, request: Request) -> None:
        """Forget how to make the call of a request that is answered."""
        self._calls.pop(request, None)

    async def complete(self, request: Request) -> Completion:
        """Call the model of a request once."""
        return await self.made(self._calls[request])


def _request(call: LMCall, of_model: Mapping[str, Any]) -> Request:
    """Return the request with the messages of a call; what is no text of a message follows them as JSON."""
    merged = {**call.lm.kwargs, **call.options}
    others = {**public_options(call.options), **of_model}
    messages = [Message(str(turn.get("role", "user")), _content(turn)) for turn in call.chat]
    if others:
        messages.append(Message("parameters", as_json(others)))
    limit = merged.get("max_tokens") or merged.get("max_completion_tokens") or ANSWER_TOKENS
    return Request(tuple(messages), int(limit), float(merged.get("temperature") or 0.0))


def _content(turn: Mapping[str, Any]) -> str:
    content = turn.get("content")
    return content if isinstance(content, str) and set(turn) <= {"role", "content"} else as_json(dict(turn))
