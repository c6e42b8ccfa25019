"""The search methods by name: how a method is constructed from the settings, and what a run has to know about it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from instructzero.config import Settings
from instructzero.errors import ConfigurationError, InstructZeroError
from instructzero.optimizers.base import Optimizer, Represent
from instructzero.registry import METHODS, import_attribute
from instructzero.types import Example

Arguments = dict[str, Any]

PYTHON = "python:"
"""The prefix of a method that is loaded from a module of the user's own: ``python:module:Class``."""

SIZES: Mapping[str, str] = {"initial": "initial", "batch": "batch"}
"""The parts of a method with a first round of ``initial`` evaluations and later rounds of ``batch``."""


@dataclass(frozen=True, slots=True)
class Materials:
    """What methods use besides the settings.

    Parameters
    ----------
    represent
        The writer's representation of points.
    demonstrations
        The exemplars as text.
    pays_for_texts
        Texts that are made from other texts are paid calls.
    soft_prompts
        The writer takes soft prompts; one behind an API does not, so that all texts come from requests.
    examples
        The validation examples, for requests that show failures.
    description
        The task in the user's words, for the requests; "" if there is none.
    """

    represent: Represent
    demonstrations: str
    pays_for_texts: bool = False
    soft_prompts: bool = True
    examples: tuple[Example, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A search method: how it is constructed, and its defaults.

    Parameters
    ----------
    summary
        One line for lists of methods.
    make
        Construct the optimizer. It receives the keyword arguments ``dimension`` and ``seed`` with those of ``parts``,
        and the materials.
    parts
        The settings of the panel "Parts of the search" that the method has, each with the name of its keyword
        argument.
    races
        Instructions race by default (the setting ``racing``).
    stops_early
        The search stops by default when no later instruction can rank higher (the setting ``stop_early``).
    confirms
        By default, the winner is selected with the scores on confirmation examples too (the setting ``confirmation``).
    rewrites
        The method has texts made from other texts, which the black box can be asked for (the setting ``rewriter``).
    requests
        The wording of each of these requests, by name, with placeholders. It is part of the identity of a run that
        asks the black box.
    requests_without_soft_prompts
        The same for a writer that takes no soft prompts, if the method then has other requests.
    represents
        The method calls ``materials.represent``, so that it needs a writer that shows its hidden states.
    needs_soft_prompts
        The method searches soft prompts, so that it needs a writer that takes them.
    """

    summary: str
    make: Callable[[Arguments, Materials], Optimizer]
    parts: Mapping[str, str]
    races: bool = False
    stops_early: bool = True
    confirms: bool = True
    rewrites: bool = False
    requests: Mapping[str, str] = field(default_factory=dict)
    requests_without_soft_prompts: Mapping[str, str] = field(default_factory=dict)
    represents: bool = False
    needs_soft_prompts: bool = False


def get_method(name: str) -> Method:
    """Return the method of a name.

    Parameters
    ----------
    name
        A built-in method, an entry point of the group ``instructzero.methods``, or ``python:module:Class``, where the
        current directory is importable. The entry point and the class are a `Method` or a subclass of `Optimizer`. A
        subclass is constructed with ``dimension``, ``seed``, and those of ``initial``, ``batch``, ``demonstrations``
        and ``represent`` that its ``__init__`` names.

    Raises
    ------
    ConfigurationError
        If there is no such method, it cannot be loaded, or it is neither of the two.
    """
    entry = _from_module(name) if is_code(name) else METHODS.load(name)
    if isinstance(entry, Method):
        return entry
    if isinstance(entry, type) and issubclass(entry, Optimizer):
        return _wrapped(name, entry)
    came = entry.__name__ if isinstance(entry, type) else type(entry).__name__
    raise ConfigurationError(
        f"method {name!r}: expected a Method or a subclass of Optimizer, got {came}; see instructzero.optimizers"
    )


Find = Callable[[str], Method]
"""Returns the method of a name: `get_method`, or `recorded_method` for readers of runs."""


def recorded_method(name: str) -> Method:
    """Return the method of a run that is read: as `get_method`, but no module that the run names is imported.

    What is not known then is what holds for a subclass of `Optimizer`; it makes no optimizer.
    """
    return _UNLOADED if is_code(name) else get_method(name)


def is_code(name: str) -> bool:
    """Return True if a method is loaded from a module of the user's own."""
    return name.startswith(PYTHON)


def _refuse(arguments: Arguments, materials: Materials) -> Optimizer:
    raise RuntimeError("expected a reader of runs to need no optimizer; it imports no method")


_UNLOADED = Method("a class of the user's own", _refuse, parts={}, rewrites=True)


def build_optimizer(settings: Settings, materials: Materials) -> Optimizer:
    """Construct the optimizer with the parts of the search that are set.

    ``initial`` and ``batch`` have no effect on a method without them.

    Raises
    ------
    ConfigurationError
        If the method cannot be loaded, or another part is set that the method does not have.
    """
    method = get_method(settings.method)
    common = {"dimension": settings.dimension, "seed": settings.seed}
    parts = settings.parts()
    for name in parts.keys() - method.parts.keys() - SIZES.keys():
        raise ConfigurationError(
            f"method {settings.method!r} has no {name}, got {parts[name]!r}; leave --{name.replace('_', '-')} out"
        )
    own = {argument: parts[name] for name, argument in method.parts.items() if name in parts}
    return method.make({**common, **own}, materials)


def races(settings: Settings, find: Find = get_method) -> bool:
    """Return True if instructions race; the default is the method's, and no for batches: a race has many rounds."""
    return find(settings.method).races and not settings.batch_api if settings.racing is None else settings.racing


def stops_early(settings: Settings, find: Find = get_method) -> bool:
    """Return True if the search stops when no later instruction can rank higher; the default is the method's."""
    return find(settings.method).stops_early if settings.stop_early is None else settings.stop_early


def confirms(settings: Settings) -> bool:
    """Return True if the method has the winner selected on confirmation examples too, unless settings say otherwise."""
    return get_method(settings.method).confirms


def needs_soft_prompts(settings: Settings) -> bool:
    """Return True if the method needs a writer that takes soft prompts."""
    return get_method(settings.method).needs_soft_prompts


def needs_hidden_states(settings: Settings) -> bool:
    """Return True if the method needs the writer's hidden states besides its texts."""
    return get_method(settings.method).represents


def _from_module(name: str) -> object:
    """Import the object behind ``python:module:Class``."""
    spec = name.removeprefix(PYTHON)
    if not re.fullmatch(r"[^:]+:[^:]+", spec):
        raise ConfigurationError(f"method {name!r}: expected python:MODULE:CLASS, such as python:my_search:MySearch")
    try:
        return import_attribute(spec)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        reason = (str(error).strip().splitlines() or ["no message"])[0][:200]
        raise ConfigurationError(
            f"method {name!r}: expected a class that can be imported, got {type(error).__name__}: {reason}; "
            f"start in the folder of {spec.partition(':')[0]}, or fix the module"
        ) from error


def _wrapped(name: str, kind: type[Optimizer]) -> Method:
    """Return the `Method` of a subclass of `Optimizer`: its ``__init__`` says what it takes."""
    parameters = inspect.signature(kind).parameters
    given = ("dimension", "seed", *SIZES, "demonstrations", "represent")
    missing = {"dimension", "seed"} - parameters.keys()
    others = [
        parameter.name
        for parameter in parameters.values()
        if parameter.name not in given and parameter.default is parameter.empty and parameter.kind not in _VARIADIC
    ]
    if missing or others:
        came = f"without {' and '.join(sorted(missing))}" if missing else f"that also requires {', '.join(others)}"
        raise ConfigurationError(
            f"method {name!r}: expected {kind.__name__}.__init__ to take the keywords dimension and seed, and to "
            f"require none but {', '.join(given[2:])}, got one {came}; change it, or register a Method instead"
        )

    def make(arguments: Arguments, materials: Materials) -> Optimizer:
        """Construct the class with the materials that it names."""
        own = {"demonstrations": materials.demonstrations, "represent": materials.represent}
        named = {key: value for key, value in own.items() if key in parameters}
        try:
            return kind(**arguments, **named)
        except InstructZeroError:
            raise
        except Exception as error:  # the user's class may raise anything
            raise ConfigurationError(
                f"method {name!r}: expected {kind.__name__} to be constructed, got {type(error).__name__}: {error}; "
                f"fix its __init__"
            ) from error

    return Method(
        summary=(inspect.getdoc(kind) or kind.__name__).splitlines()[0],
        make=make,
        parts={part: part for part in SIZES if part in parameters},
        rewrites="demonstrations" in parameters,
        represents="represent" in parameters,
        needs_soft_prompts="demonstrations" not in parameters,
    )


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
