"""A black box that calls the user's function ``str -> str``, plain or async: ``python:module:function``."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from instructzero.errors import InstructZeroError, ModelError, RefusedQuestion
from instructzero.models.base import join_contents
from instructzero.models.capabilities import REMOTE
from instructzero.models.fingerprint import fingerprint
from instructzero.models.turns import without_roles
from instructzero.types import Completion, Message, Request

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
"""An address of an object, which differs from run to run."""

TextFunction = Callable[[str], str] | Callable[[str], Awaitable[str]]


class CallableBlackBox:
    """Calls a function with a prompt's text.

    A plain function runs in threads.

    Parameters
    ----------
    function
        Returns the answer to a prompt.
    name
        The function's name for the identity and for messages.
    concurrency
        The maximum number of concurrent calls. None is 32 for an async function, and 1 for a plain one, because it may
        not be safe to run it in two threads.

    >>> CallableBlackBox(str.upper, "str.upper").identity["function"]
    'str.upper'
    """

    capabilities = REMOTE

    def __init__(self, function: TextFunction, name: str, *, concurrency: int | None = None) -> None:
        self._function = function
        self._name = name
        self._is_async = _is_async(function)
        self._concurrency = concurrency or (32 if self._is_async else 1)
        self._threads: ThreadPoolExecutor | None = None
        self._is_abandoned = False

    @classmethod
    def load(cls, name: str, *, concurrency: int | None = None) -> CallableBlackBox:
        """Import ``module:function``, also from the current directory; raise `ModelError` if that fails."""
        return cls(_find(name), name, concurrency=concurrency)

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, function, and the fingerprint of its code unless it belongs to a library."""
        code = fingerprint(self._function)
        return {"backend": "python", "function": self._name, **({"code": code} if code else {})}

    @property
    def concurrency(self) -> int:
        """The maximum number of concurrent calls."""
        return self._concurrency

    def remarks_on(self, messages: Sequence[Message]) -> list[str]:
        """Return that the function receives one text, if there are several messages; see `BlackBox`."""
        return [without_roles(f"the function {self._name}")] if len(messages) > 1 else []

    async def complete(self, request: Request) -> Completion:
        """Call the function once; its exceptions become a `RefusedQuestion`, except an `InstructZeroError`."""
        prompt = join_contents(request.messages)
        try:
            text = await self._call(prompt)
        except InstructZeroError:
            raise
        except Exception as error:
            said = f"{type(error).__name__} ({_ADDRESS.sub('0x…', _line(error))})"
            raise RefusedQuestion(
                f"the function {self._name} raised {said}; fix the function", reason=said, about_content=False
            ) from error
        if not isinstance(text, str):
            raise RefusedQuestion(
                f"expected a str from the function {self._name}, got {type(text).__name__}; return a str",
                reason=f"the function returned {type(text).__name__}",
                about_content=False,
            )
        return Completion(text)

    async def close(self) -> None:
        """Wait for running calls that were not cancelled, and free the threads; a later call starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=not self._is_abandoned, cancel_futures=True)
        self._is_abandoned = False

    async def _call(self, prompt: str) -> object:
        if self._is_async:
            return await self._function(prompt)  # type: ignore[misc]
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="instructzero-call")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._function, prompt)
        except asyncio.CancelledError:
            self._is_abandoned = True  # nobody waits for the answer any more, and nothing can end the call
            raise


def _is_async(function: TextFunction) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004  (an object may have an async __call__)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _find(name: str) -> TextFunction:
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise ModelError(f"expected python:module:function, got {name!r}; name a module and a function in it")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that a file there named like a library hides nothing
    try:
        function = getattr(importlib.import_module(module_name), function_name, None)
    except Exception as error:  # importing runs the user's code
        raise ModelError(
            f"the module {module_name} of python:{name} cannot be imported ({type(error).__name__}: "
            f"{_line(error)}); start in the folder that holds it, or fix it"
        ) from error
    if not callable(function):
        raise ModelError(f"expected a function {function_name} in the module {module_name}, got none; check its name")
    return function  # type: ignore[no-any-return]


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[0].rstrip(".")[:200]
