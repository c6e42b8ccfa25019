"""The search methods by name: how each is made of the settings, and what a run has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instructzero.config import Settings
from instructzero.errors import ConfigurationError
from instructzero.models.registry import SERVERS

if TYPE_CHECKING:
    from instructzero.optimizers import Optimizer
    from instructzero.optimizers.base import Represent

Arguments = dict[str, Any]

_SIZES = {"initial": "initial", "batch": "batch"}


@dataclass(frozen=True, slots=True)
class Materials:
    """What methods work with besides the settings: the writer's view of points, and the exemplars as text."""

    represent: Represent
    demonstrations: str


@dataclass(frozen=True, slots=True)
class Method:
    """How a method is made, and what is usual with it.

    ``make`` takes the constructor's arguments and the materials. ``parts`` are the parts of the search that it has, and
    what it calls them; None stands for all, by the names of the settings. ``races``: instructions race by default.
    ``to_the_end``: by default it spends all of its evaluations. ``rewrites``: it has texts made from other texts.
    ``represents``: it needs the writer's view of points.
    """

    make: Callable[[Arguments, Materials], Optimizer]
    parts: Mapping[str, str] | None
    races: bool = False
    to_the_end: bool = False
    rewrites: bool = False
    represents: bool = False


def build_optimizer(settings: Settings, materials: Materials) -> Optimizer:
    """The method with the parts that are set; raises `ConfigurationError` for a part that the method does not have.

    A size that it does not have, ``initial`` or ``batch``, is of no effect.
    """
    method = METHODS[settings.method]
    common = {"dimension": settings.dimension, "seed": settings.seed}
    parts = settings.parts()
    if method.parts is None:
        paid = {"ends": 1} if pays_for_texts(settings) else {}
        return method.make({**common, "parts": {**parts, **paid}}, materials)
    for name in parts.keys() - method.parts.keys() - _SIZES.keys():
        raise ConfigurationError(
            f"method {settings.method!r} has no {name}, got {parts[name]!r}; leave --{name.replace('_', '-')} out"
        )
    own = {argument: parts[name] for name, argument in method.parts.items() if name in parts}
    return method.make({**common, **own}, materials)


def races(settings: Settings) -> bool:
    """Whether instructions race; by default where the method is free to."""
    return METHODS[settings.method].races if settings.racing is None else settings.racing


def stops_early(settings: Settings) -> bool:
    """Whether the search ends when nothing can come before the best; by default where the method is free to."""
    return not METHODS[settings.method].to_the_end if settings.stop_early is None else settings.stop_early


def check_writer(settings: Settings) -> None:
    """Refuse a writer on a server for a method that needs more than its texts."""
    if METHODS[settings.method].represents and settings.writer.partition(":")[0] in SERVERS:
        raise ConfigurationError(
            f"expected a local writer (hf:FOLDER_OR_HUB_ID) for method {settings.method!r}, which needs its hidden "
            f"states, got {settings.writer!r}; choose another writer or another method"
        )


def pays_for_texts(settings: Settings) -> bool:
    """Whether the black box is asked for texts."""
    return settings.rewriter == "blackbox" and METHODS[settings.method].rewrites


# Each module is loaded when its method is asked for.


def _instructzero(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers import REPAIRED, InstructZero

    return InstructZero(options=REPAIRED.with_parts(arguments.pop("parts")), **arguments)


def _paper(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers import PAPER, InstructZero

    return InstructZero(options=PAPER.with_parts(arguments.pop("parts")), **arguments)


def _uniform(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers import Uniform

    return Uniform(**arguments)


def _dro(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers import REPAIRED
    from instructzero.optimizers.dro import DistributionallyRobust

    # The publication searches points only.
    options = REPAIRED.with_parts({"continued": 0.0, **arguments.pop("parts")})
    return DistributionallyRobust(options=options, **arguments)


def _instinct(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.instinct import Instinct

    return Instinct(represent=materials.represent, **arguments)


def _zopo(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.zopo import Zopo

    return Zopo(represent=materials.represent, **arguments)


def _presto(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.presto import Presto

    return Presto(represent=materials.represent, **arguments)


def _ape(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.ape import Ape

    return Ape(demonstrations=materials.demonstrations, **arguments)


def _opro(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.opro import Opro

    return Opro(demonstrations=materials.demonstrations, **arguments)


def _evoprompt_ga(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.evoprompt import EvoPrompt

    return EvoPrompt(demonstrations=materials.demonstrations, variant="ga", **arguments)


def _evoprompt_de(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.evoprompt import EvoPrompt

    return EvoPrompt(demonstrations=materials.demonstrations, variant="de", **arguments)


def _capo(arguments: Arguments, materials: Materials) -> Optimizer:
    from instructzero.optimizers.capo import Capo

    return Capo(demonstrations=materials.demonstrations, **arguments)


METHODS: Mapping[str, Method] = {
    "instructzero": Method(_instructzero, None, races=True, rewrites=True),
    "paper": Method(_paper, None, to_the_end=True),
    "uniform": Method(_uniform, {"batch": "batch"}),
    "ape": Method(_ape, _SIZES, rewrites=True),
    "instinct": Method(_instinct, _SIZES, represents=True),
    "zopo": Method(_zopo, _SIZES, represents=True),
    "presto": Method(_presto, _SIZES, represents=True),
    "dro": Method(_dro, None),
    "opro": Method(_opro, _SIZES, rewrites=True),
    "evoprompt-ga": Method(_evoprompt_ga, {"initial": "population"}, rewrites=True),
    "evoprompt-de": Method(_evoprompt_de, {"initial": "population"}, rewrites=True),
    "capo": Method(_capo, {"initial": "population", "batch": "batch"}, races=True, rewrites=True),
}
