"""Writers on a vLLM server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.capabilities import SERVED_WEIGHTS
from instructzero.models.registry import Backend, Role, WriterOptions

if TYPE_CHECKING:
    from instructzero.protocols import SoftPromptModel


def _writer(name: str, options: WriterOptions) -> SoftPromptModel:
    from instructzero.models.served_writer import load_served_writer
    from instructzero.models.vllm import Vllm

    return load_served_writer(Vllm(), name, options)


BACKEND = Backend(
    form="vllm:FOLDER_OR_HUB_ID",
    capabilities=SERVED_WEIGHTS,
    writer=Role("a Hugging Face causal LM on a vLLM server, with --writer-url; key in VLLM_API_KEY", _writer),
    refusal="as a black box, a model on such a server is openai:{name} with --base-url http://localhost:8000/v1",
    names_folders=True,
)
