"""Causal language models of the transformers library, in this process."""

from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.local import load_local_blackbox, load_local_writer
from instructzero.models.registry import Backend, Role

BACKEND = Backend(
    form="hf:FOLDER_OR_HUB_ID",
    capabilities=LOCAL_WEIGHTS,
    writer=Role(
        "any Hugging Face causal LM, PEFT adapter or .gguf file; as a writer, its path or id is enough",
        load_local_writer,
    ),
    blackbox=Role("a local causal LM", load_local_blackbox),
    names_folders=True,
)
