"""From a specification such as ``hf:gpt2`` or ``openai:gpt-4o-mini`` to a model; imports what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from instructzero.errors import ModelError
from instructzero.protocols import BlackBox, SoftPromptModel

if TYPE_CHECKING:
    from instructzero.models.wire import Dialect

KINDS = {
    "hf": "hf:FOLDER_OR_HUB_ID",
    "vllm": "vllm:FOLDER_OR_HUB_ID",
    "sglang": "sglang:FOLDER_OR_HUB_ID",
    "openai": "openai:MODEL",
    "anthropic": "anthropic:MODEL",
    "python": "python:module:function",
    "scripted": "scripted:NAME",
    "embedded": "embedded:NAME",
}
SERVERS = ("vllm", "sglang")  # of writers
EMBEDDED = ("writer", "blackbox")
EMBEDDED_FOLDER = Path(__file__).parent / "embedded"
SCRIPTED_WRITER = "phrases"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a specification says: the kind of backend, and the model's name there."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def parse_model(spec: str, *, bare_kind: str | None = "hf") -> ModelSpec:
    """Read ``kind:name``; a name without a kind is of ``bare_kind``, or refused where that is None.

    >>> parse_model("openai:gpt-4o-mini")
    ModelSpec(kind='openai', name='gpt-4o-mini')
    >>> parse_model("./my-model")
    ModelSpec(kind='hf', name='./my-model')
    """
    kind, colon, name = spec.partition(":")
    if kind in KINDS and colon and name:
        return ModelSpec(kind, name)
    is_bare = not colon or len(kind) == 1 or Path(spec).exists()  # a single letter is a drive, as in C:\models
    if is_bare and spec and kind not in KINDS and bare_kind is not None:
        return ModelSpec(bare_kind, spec)
    near = get_close_matches(kind, KINDS, n=1)
    hint = f"; did you mean {KINDS[near[0]]}?" if near else ""
    raise ModelError(f"expected a model as {', '.join(KINDS.values())}, got {spec!r}{hint}")


def load_writer(
    spec: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    batch_size: int | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    writer_url: str | None = None,
) -> SoftPromptModel:
    """The writer of a specification: ``hf:``, ``vllm:``, ``sglang:``, ``embedded:``, ``scripted:``, or a bare folder
    or hub id.

    ``writer_url`` is the address of a writer that is served; None is the usual port on this machine.
    """
    model = parse_model(spec)
    if model.kind in SERVERS:
        from instructzero.models.served_writer import ServedWriter

        return ServedWriter(
            _dialect(model.kind),
            model.name,
            url=writer_url,
            dtype=dtype,
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
    if model.kind in ("hf", "embedded"):
        from instructzero.models.huggingface import HuggingFaceModel

        return HuggingFaceModel(
            _weights(model),
            device=device,
            dtype=dtype,
            revision=revision,
            trust_remote_code=trust_remote_code,
            batch_size=batch_size,
        )
    if model == ModelSpec("scripted", SCRIPTED_WRITER):
        from instructzero.models.scripted import ScriptedWriter

        return ScriptedWriter()
    raise ModelError(
        f"expected a writer that takes soft prompts ({KINDS['hf']}, {KINDS['vllm']}, {KINDS['sglang']}, "
        f"embedded:writer, scripted:{SCRIPTED_WRITER}), got {str(model)!r}; services behind an API take text only"
    )


def load_blackbox(
    spec: str,
    *,
    template: str = "auto",
    device: str = "auto",
    dtype: str = "auto",
    batch_size: int | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    base_url: str | None = None,
    api_key_variable: str | None = None,
    concurrency: int | None = None,
    timeout: float = 60.0,
) -> BlackBox:
    """The black box of a specification; its kind must be named.

    What a backend has no use for is not looked at; ``None`` leaves its default. ``batch_size`` counts rows of
    a local model, ``concurrency`` requests in flight, ``timeout`` seconds a try.
    """
    model = parse_model(spec, bare_kind=None)
    if model.kind == "openai":
        from instructzero.models.openai import OpenAIBlackBox

        return OpenAIBlackBox(
            model.name,
            base_url=base_url,
            api_key_variable=api_key_variable or "OPENAI_API_KEY",
            template="chat" if template == "auto" else template,
            concurrency=concurrency or 32,
            timeout=timeout,
        )
    if model.kind == "anthropic":
        from instructzero.models.anthropic import AnthropicBlackBox

        return AnthropicBlackBox(
            model.name,
            base_url=base_url,
            api_key_variable=api_key_variable or "ANTHROPIC_API_KEY",
            concurrency=concurrency or 32,
            timeout=timeout,
        )
    if model.kind == "python":
        from instructzero.models.callable import CallableBlackBox

        return CallableBlackBox.load(model.name, concurrency=concurrency)
    if model.kind == "scripted":
        return _scripted(model.name, concurrency)
    if model.kind in SERVERS:
        raise ModelError(
            f"expected a black box, got {str(model)!r}, which is how a writer is named; such a server is "
            f"openai:{model.name} with base_url as a black box"
        )
    from instructzero.models.huggingface import HuggingFaceBlackBox

    return HuggingFaceBlackBox(
        _weights(model),
        template=template,
        device=device,
        dtype=dtype,
        revision=revision,
        trust_remote_code=trust_remote_code,
        batch_size=batch_size or 64,
    )


def _dialect(kind: str) -> Dialect:
    if kind == "vllm":
        from instructzero.models.vllm import Vllm

        return Vllm()
    from instructzero.models.sglang import Sglang

    return Sglang()


def _weights(model: ModelSpec) -> str:
    """The folder or hub id with the weights."""
    if model.kind == "hf":
        return model.name
    if model.name not in EMBEDDED:
        raise ModelError(
            f"expected one of the embedded models {', '.join(EMBEDDED)}, got {model.name!r}; choose one of them"
        )
    return str(EMBEDDED_FOLDER / model.name)


def _scripted(name: str, concurrency: int | None) -> BlackBox:
    from instructzero.models.scripted import SCRIPTS, ScriptedBlackBox

    if name not in SCRIPTS:
        raise ModelError(
            f"expected one of the scripted black boxes {', '.join(SCRIPTS)}, got {name!r}; choose one of them"
        )
    return ScriptedBlackBox(SCRIPTS[name], name=name, concurrency=concurrency or 8)
