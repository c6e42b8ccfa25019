"""A digest of a Python function's code, by which a changed function is told from the one before."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

_CONSTANTS = (str, bytes, int, float, bool, type(None))
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})

Parts = dict[object, tuple[str, str]]
"""The name and the text of every function, class and constant, by what identifies it."""


def fingerprint(function: object) -> str:
    """Return a digest of the code of ``function``: 16 hexadecimal digits, or "" if it belongs to a library.

    The code is that of the function, or of the class of a callable object, and of all functions and classes of the same
    module that it names; also the module's constants that it names in capitals, such as ``PROMPT``. Comments and
    layout do not count, and neither do the values of other variables: they may change during a run.

    >>> fingerprint(len)
    ''
    """
    parts: Parts = {}
    _collect(function, parts)
    if not parts:
        return ""
    return hashlib.sha256(json.dumps(sorted(parts.values())).encode()).hexdigest()[:16]


def _collect(item: Any, parts: Parts) -> None:
    """Add the code of ``item`` to ``parts``, by the identity of the function or class."""
    if isinstance(item, functools.partial):
        _collect(item.func, parts)
    elif isinstance(item, MethodType):
        _collect(item.__func__, parts)
        _collect(type(item.__self__), parts)
    elif isinstance(item, FunctionType):
        _collect_function(item, parts)
    elif isinstance(item, type):
        _collect_class(item, parts)
    elif callable(item) and not inspect.isbuiltin(item):
        _collect(type(item), parts)


def _collect_function(function: FunctionType, parts: Parts) -> None:
    if function in parts or _is_of_library(function.__module__):
        return
    parts[function] = (function.__qualname__, _code_text(function))
    for name, value in _named(function):
        if _is_code_of(function.__module__, value):
            _collect(value, parts)
        elif name.isupper() and isinstance(value, _CONSTANTS):
            parts[function.__module__, name] = (name, repr(value))
    for value in inspect.getclosurevars(function).nonlocals.values():
        if isinstance(value, FunctionType | type | MethodType):
            _collect(value, parts)


def _collect_class(kind: type, parts: Parts) -> None:
    """Add the methods of a class and of its bases in the same module."""
    if kind in parts or _is_of_library(kind.__module__):
        return
    parts[kind] = (kind.__qualname__, "class")
    for value in vars(kind).values():
        for method in _methods(value):
            _collect(method, parts)
    for base in kind.__bases__:
        if base.__module__ == kind.__module__:
            _collect_class(base, parts)


def _methods(value: object) -> Iterator[object]:
    """Yield the functions behind an attribute of a class."""
    if isinstance(value, property):
        yield from (function for function in (value.fget, value.fset) if function is not None)
    elif isinstance(value, staticmethod | classmethod):
        yield value.__func__
    elif isinstance(value, FunctionType):
        yield value


def _named(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Yield the global variables that a function, or a function inside it, names."""
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    return ((name, function.__globals__[name]) for name in sorted(names) if name in function.__globals__)


def _is_of_library(module: str) -> bool:
    """Return True for modules of Python and of installed packages: another version of them is no other function."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return module in sys.builtin_module_names or (file is not None and file.startswith(_LIBRARIES))


def _is_code_of(module: str, value: object) -> bool:
    return isinstance(value, FunctionType | type | functools.partial) and getattr(value, "__module__", module) == module


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _code_text(function: FunctionType) -> str:
    """Return the syntax tree of the source as text.

    Without the source, as in ``python -c``, and for a lambda, whose source is the whole statement around it, these are
    the instructions.
    """
    if function.__name__ == "<lambda>":
        return _instructions_text(function.__code__)
    try:
        return ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError, ValueError, IndentationError):
        return _instructions_text(function.__code__)


def _instructions_text(code: CodeType) -> str:
    return repr([(inner.co_code.hex(), _constants(inner), inner.co_names) for inner in _codes(code)])


def _constants(code: CodeType) -> list[str]:
    """Return the constants as text; the order of a set differs between processes, and code is listed by itself."""
    constants = (constant for constant in code.co_consts if not isinstance(constant, CodeType))
    return [repr(sorted(map(repr, item)) if isinstance(item, frozenset) else item) for item in constants]
