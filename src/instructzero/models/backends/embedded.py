"""The two small models that come with the package, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.errors import ModelError
from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.local import load_local_blackbox, load_local_writer
from instructzero.models.packed import embedded_folder
from instructzero.models.registry import Backend, BlackBoxOptions, Role, WriterOptions

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox, SoftPromptModel

NAMES = ("writer", "blackbox")


def _folder(name: str) -> str:
    if name not in NAMES:
        raise ModelError(f"expected one of the embedded models {', '.join(NAMES)}, got {name!r}; choose one of them")
    return str(embedded_folder() / name)


def _writer(name: str, options: WriterOptions) -> SoftPromptModel:
    return load_local_writer(_folder(name), options)


def _blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    return load_local_blackbox(_folder(name), options)


BACKEND = Backend(
    form="embedded:NAME",
    capabilities=LOCAL_WEIGHTS,
    writer=Role("the writer that comes with the package", _writer, form="embedded:writer"),
    blackbox=Role("the black box that comes with the package", _blackbox, form="embedded:blackbox"),
)
