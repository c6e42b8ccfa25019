"""Load a checkpoint in this process, as a writer or as a black box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from instructzero.models.registry import BlackBoxOptions, WriterOptions

if TYPE_CHECKING:
    from instructzero.protocols import BlackBox, SoftPromptModel


def load_local_writer(name: str, options: WriterOptions) -> SoftPromptModel:
    """Load the folder or hub id ``name`` as a writer; raise `ModelError` if it does not load."""
    from instructzero.models.huggingface import HuggingFaceModel

    return HuggingFaceModel(
        name,
        device=options.device,
        dtype=options.dtype,
        revision=options.revision,
        trust_remote_code=options.trust_remote_code,
        batch_size=options.batch_size,
    )


def load_local_blackbox(name: str, options: BlackBoxOptions) -> BlackBox:
    """Load the folder or hub id ``name`` as a black box; raise `ModelError` if it does not load."""
    from instructzero.models.local_blackbox import HuggingFaceBlackBox

    return HuggingFaceBlackBox(
        name,
        template=options.template,
        device=options.device,
        dtype=options.dtype,
        revision=options.revision,
        trust_remote_code=options.trust_remote_code,
        batch_size=options.batch_size,
    )
