"""Model backends by kind, and models by specification, such as ``hf:gpt2`` or ``openai:gpt-4o-mini``.

A backend is one file in ``models/backends/``, or an entry point of another package:

    [project.entry-points."instructzero.backends"]
    mykind = "my_package.backend:BACKEND"

Its value is a `Backend`. Then ``mykind:NAME`` is a specification like those of the built-in kinds. A library is
imported when a model of its backend is loaded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from instructzero.errors import ConfigurationError, ModelError, nearest
from instructzero.models.addresses import specification_hint
from instructzero.models.gguf import GGUF_SUFFIX, absolute_gguf
from instructzero.protocols import BlackBox, Capabilities, SoftPromptModel
from instructzero.registry import BACKENDS

OBJECT, ASKED_OBJECT = "object:", "object:asked:"
"""The beginnings of the specification of a Python object, and of one that writes instructions when it is asked."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A specification: the kind of backend, and the model's name there."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOptions:
    """The options of a writer; a backend ignores those that do not apply to it.

    Parameters
    ----------
    device, dtype
        Place and precision of a local model's weights; ``auto`` is the backend's choice.
    batch_size
        Rows that a local model decodes at once; None is the backend's choice.
    revision
        The commit on the Hugging Face hub; None is the newest.
    trust_remote_code
        Run code that comes with a checkpoint.
    url
        The address of a served writer; None is the server's usual port on this machine.
    api_key_variable, headers, timeout
        Those of a served writer, as in `BlackBoxOptions`.
    max_wait, on_wait
        The longest wait for a served writer in seconds, and the receiver of long waits; see `Patience`.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    url: str | None = None
    api_key_variable: str | None = None
    headers: tuple[str, ...] = ()
    timeout: float | None = None
    max_wait: float = math.inf
    on_wait: Callable[[float, str], None] = lambda seconds, reason: None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackBoxOptions:
    """The options of a black box; a backend ignores those that do not apply to it.

    Parameters
    ----------
    template
        ``chat``, ``completion``, or ``auto`` for the backend's choice.
    device, dtype, batch_size, revision, trust_remote_code
        As in `WriterOptions`.
    base_url
        The address of an endpoint; None is the official one.
    api_key_variable
        The environment variable with the key; None is the backend's usual one.
    concurrency
        The maximum number of requests in flight; None is the backend's choice.
    timeout
        Seconds after which an answer is late; after twice as many, a request is cut.
    address_setting
        The setting that holds ``base_url``, for messages.
    headers
        Further headers of every request, as lines ``NAME: VALUE``; see `instructzero.models.headers`.
    extra_body
        Further fields of every request.
    role
        The role of the model, for messages.
    """

    template: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    base_url: str | None = None
    api_key_variable: str | None = None
    concurrency: int | None = None
    timeout: float = 60.0
    address_setting: str = "base_url"
    headers: tuple[str, ...] = ()
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    role: str = "black box"


Options = TypeVar("Options")
Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Role(Generic[Options, Model]):
    """A backend's models in one role.

    Parameters
    ----------
    summary
        The description in ``instructzero models``.
    load
        Makes the model from its name and the options; it imports the backend's library.
    form
        The specification, where it is narrower than the backend's.
    names
        The names of its models, if it has a few fixed ones.
    """

    summary: str
    load: Callable[[str, Options], Model]
    form: str = ""
    names: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Return True if a model of this name can take the role."""
        return not self.names or name in self.names


@dataclass(frozen=True, slots=True)
class Backend:
    """A kind of models.

    Parameters
    ----------
    form
        The specification, such as ``openai:MODEL``.
    capabilities
        What its models can do, and what a call costs.
    writer, blackbox
        The roles that its models can take; None for a role that they cannot.
    refusal
        The end of the message about a role that is None; ``{name}`` stands for the model's name.
    names_folders
        A name may be a folder or a GGUF file on this machine; a run stores it as an absolute path.
    address_variable
        The environment variable that sends requests to another address than the official one.
    """

    form: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    writer: Role[WriterOptions, SoftPromptModel] | None = None
    blackbox: Role[BlackBoxOptions, BlackBox] | None = None
    refusal: str = "choose another model"
    names_folders: bool = False
    address_variable: str | None = None


def find_backend(kind: str) -> Backend | None:
    """Return the backend of a kind, or None if there is none.

    Raises
    ------
    ConfigurationError
        If another package provides the backend and it does not load, or is not a `Backend`.
    """
    return _load(kind) if kind in BACKENDS else None


def backends() -> dict[str, Backend]:
    """Return all backends by kind, the built-in ones first; raise `ConfigurationError` for one that does not load."""
    return {kind: _load(kind) for kind in BACKENDS.names()}


def parse_model(spec: str, *, bare_kind: str | None = "hf") -> ModelSpec:
    """Read a specification ``kind:name``.

    Parameters
    ----------
    spec
        The specification, or a name alone.
    bare_kind
        The kind of a name alone; None refuses it.

    Raises
    ------
    ModelError
        If ``spec`` is not a specification.

    >>> parse_model("openai:gpt-4o-mini")
    ModelSpec(kind='openai', name='gpt-4o-mini')
    >>> parse_model("./my-model")
    ModelSpec(kind='hf', name='./my-model')
    """
    kind, colon, name = spec.partition(":")
    is_kind = kind in BACKENDS
    if is_kind and colon and name:
        return ModelSpec(kind, name)
    is_bare = not colon or len(kind) == 1 or os.path.exists(spec)  # a single letter is a drive, as in C:\models
    if is_bare and spec and not is_kind and bare_kind is not None:
        return ModelSpec(bare_kind, spec)
    forms = _forms()
    near = nearest(kind, forms)
    meant = (not is_kind and specification_hint(spec)) or (forms[near] if near else "")
    hint = f"; did you mean {meant}?" if meant else ""
    raise ModelError(f"expected a model as {', '.join(forms.values())}, got {spec!r}{hint}")


def capabilities(spec: str) -> Capabilities:
    """Return the capabilities of the model of a specification, without loading it; raise `ModelError` if it is none."""
    return _load(parse_model(spec, bare_kind=None).kind).capabilities


def returns_texts_only(spec: str) -> bool:
    """Return True if the writer of a specification takes soft prompts, but does not show its hidden states."""
    backend = find_backend(spec.partition(":")[0])
    return backend is not None and backend.capabilities.soft_prompts and not backend.capabilities.states


def is_asked(spec: str) -> bool:
    """Return True if the writer of a specification is asked for texts in words, because it takes no soft prompts.

    Such a writer is the model of a black box in another role.

    >>> is_asked("openai:gpt-4o-mini"), is_asked("embedded:writer")
    (True, False)
    """
    if spec.startswith(OBJECT):  # an object in Python, which no backend names
        return spec.startswith(ASKED_OBJECT)
    kind, _, name = spec.partition(":")
    backend = find_backend(kind)
    if backend is None or backend.blackbox is None or not name:
        return False
    takes_soft_prompts = backend.writer is not None and backend.writer.has(name)
    return not takes_soft_prompts and backend.blackbox.has(name)


def usual_address(spec: str) -> str | None:
    """Return the address to which the environment sends the requests for a model, or None if it names none."""
    backend = find_backend(spec.partition(":")[0])
    variable = backend.address_variable if backend else None
    return os.environ.get(variable) if variable else None


def with_absolute_folder(spec: str, base: Path = Path()) -> str:
    """Return the specification with an absolute path, if it names a folder or a GGUF file on this machine.

    A relative name begins at the folder ``base``.
    """
    kind, colon, name = spec.partition(":")
    backend = find_backend(kind) if colon else None
    prefix, place = (f"{kind}:", name) if backend and backend.names_folders else ("", spec)
    path = base / place
    if place and os.path.isdir(path):  # unlike `Path.is_dir`, it takes a text that no file system does
        return f"{prefix}{path.resolve()}"
    return f"{prefix}{absolute_gguf(path)}" if path.suffix == GGUF_SUFFIX and os.path.isfile(path) else spec


def load_writer(spec: str, **options: Any) -> SoftPromptModel:
    """Load the writer of a specification; a name alone is a folder or an id of the Hugging Face hub.

    ``options`` are those of `WriterOptions`.

    Raises
    ------
    ModelError
        If the specification names no writer, or the model does not load.
    """
    model = parse_model(spec)
    backend = _load(model.kind)
    if backend.writer is None:
        known = [own.writer.form or own.form for own in map(_load, BACKENDS.own) if own.writer is not None]
        raise ModelError(
            f"expected a writer that takes soft prompts ({', '.join(known)}), got {str(model)!r}; "
            f"{backend.refusal.format(name=model.name)}"
        )
    return backend.writer.load(model.name, WriterOptions(**options))


def load_blackbox(spec: str, **options: Any) -> BlackBox:
    """Load the black box of a specification, which must name its kind.

    ``options`` are those of `BlackBoxOptions`.

    Raises
    ------
    ModelError
        If the specification names no black box, or the model does not load.
    """
    model = parse_model(spec, bare_kind=None)
    backend = _load(model.kind)
    if backend.blackbox is None:
        raise ModelError(
            f"expected a black box, got {str(model)!r}, which names a writer; {backend.refusal.format(name=model.name)}"
        )
    return backend.blackbox.load(model.name, BlackBoxOptions(**options))


def _load(kind: str) -> Backend:
    """Return the backend of a registered kind."""
    backend = BACKENDS.load(kind)
    if not isinstance(backend, Backend):
        raise ConfigurationError(
            f"expected a Backend from the entry point {kind!r} of {BACKENDS.group}, got {type(backend).__name__}; fix "
            "or remove the package that provides it"
        )
    return backend


def _forms() -> dict[str, str]:
    """Return the specifications by kind, without running the code of other packages."""
    others = [kind for kind in BACKENDS.names() if kind not in BACKENDS.own]
    return {kind: _load(kind).form for kind in BACKENDS.own} | {kind: f"{kind}:NAME" for kind in others}
