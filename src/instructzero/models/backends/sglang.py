"""Writers on an SGLang server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.capabilities import SERVED_WEIGHTS
from instructzero.models.registry import Backend, Role, WriterOptions

if TYPE_CHECKING:
    from instructzero.protocols import SoftPromptModel


def _writer(name: str, options: WriterOptions) -> SoftPromptModel:
    from instructzero.models.served_writer import load_served_writer
    from instructzero.models.sglang import Sglang

    return load_served_writer(Sglang(), name, options)


BACKEND = Backend(
    form="sglang:FOLDER_OR_HUB_ID",
    capabilities=SERVED_WEIGHTS,
    writer=Role("a Hugging Face causal LM on an SGLang server, with --writer-url; key in SGLANG_API_KEY", _writer),
    refusal="as a black box, a model on such a server is openai:{name} with --base-url http://localhost:30000/v1",
    names_folders=True,
)
