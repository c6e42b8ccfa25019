"""Search methods, metrics and model backends by name: the built-in ones in a file each, others by entry point.

The file of a built-in entry is its registration: the module ``NAME.py`` in the registry's folder defines the entry as
the registry's constant. Another package names its entry in its own ``pyproject.toml``:

    [project.entry-points."instructzero.methods"]
    mine = "my_package.search:METHOD"
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from instructzero.errors import ConfigurationError, nearest


@dataclass(frozen=True)
class Registry:
    """The entries of one kind.

    Names are listed without importing an entry, so that ``--help`` stays fast. The module of an entry is imported when
    the entry is loaded. A built-in name takes precedence over an entry point of the same name.

    Parameters
    ----------
    kind
        The name of an entry in messages, such as ``"method"``.
    package
        The folder of the built-in entries as a dotted name; it holds one module for each entry.
    constant
        The name under which each of these modules defines its entry.
    group
        The group of entry points in which other packages name their entries.
    separator
        The character that an entry's name has where its file's name has an underscore.

    >>> METHODS.own[:3]
    ('ape', 'capo', 'dro')
    """

    kind: str
    package: str
    constant: str
    group: str
    separator: str = "-"

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The names of the built-in entries, sorted: the names of the files, with ``separator`` for underscores."""
        folder = Path(__file__).parent.joinpath(*self.package.split(".")[1:])
        modules = (module.name for module in pkgutil.iter_modules([str(folder)]))
        return tuple(sorted(name.replace("_", self.separator) for name in modules if not name.startswith("_")))

    def names(self) -> tuple[str, ...]:
        """Return all names: the built-in ones first, then those of installed packages, each group sorted."""
        return (*self.own, *sorted(self._others().keys() - set(self.own)))

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._others()

    def load(self, name: str) -> object:
        """Return the entry ``name``.

        Raises
        ------
        ConfigurationError
            If there is no such entry, or its entry point cannot be loaded.
        """
        if name in self.own:
            module = importlib.import_module(f"{self.package}.{name.replace(self.separator, '_')}")
            return getattr(module, self.constant)
        others = self._others()
        if name not in others:
            raise ConfigurationError(self.unknown(name))
        try:
            return others[name].load()
        except Exception as error:  # the module of another package may raise anything
            raise ConfigurationError(
                f"{self.kind} {name!r}: expected an entry point that loads, got {type(error).__name__} from "
                f"{others[name].value!r}: {error}; reinstall or remove the package that provides it"
            ) from error

    def unknown(self, name: str) -> str:
        """Return the sentence about a name that is not registered, with the nearest registered name."""
        near = nearest(name.lower(), self.names())
        hint = f"did you mean {near!r}?" if near else f"expected one of {', '.join(self.names())}"
        return f"unknown {self.kind} {name!r}; {hint}"

    def _others(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}


def import_attribute(spec: str) -> object:
    """Import ``MODULE:ATTRIBUTE``, also from the current directory, as under ``python -m``.

    The current directory stays importable, because the module may import its neighbours later. It comes last in the
    search path, so that a file with the name of a library does not hide the library.

    Raises whatever the import raises, and `AttributeError` if the module has no such attribute.
    """
    module_name, _, attribute = spec.partition(":")
    directory = os.getcwd()
    if directory not in sys.path:
        sys.path.append(directory)
    importlib.invalidate_caches()
    return getattr(importlib.import_module(module_name), attribute)


METHODS = Registry("method", "instructzero.optimizers.methods", "METHOD", "instructzero.methods")
METRICS = Registry("metric", "instructzero.tasks.metrics", "METRIC", "instructzero.metrics", separator="_")
BACKENDS = Registry("model backend", "instructzero.models.backends", "BACKEND", "instructzero.backends")
