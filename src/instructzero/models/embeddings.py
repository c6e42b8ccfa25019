"""The input side of a causal LM: its tokenizer and its input embeddings, without the other weights.

Only the tensor of the embeddings is read from the disk, and only the file that holds it is downloaded.

Notation: V vocabulary size, h hidden size, s sequence length.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import GenerationConfig

from instructzero.errors import ModelError
from instructzero.models.adapters import find_adapter
from instructzero.models.checkpoint import Checkpoint
from instructzero.models.codec import Codec
from instructzero.models.gguf import find_gguf
from instructzero.models.network import bare_model, end_tokens
from instructzero.models.placement import DTYPES
from instructzero.models.sources import check_config, commit_of, fingerprint, loading

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class InputEmbeddings(Codec):
    """A tokenizer and the embeddings of its tokens.

    ``table`` has shape (V, h); `embed` returns its rows in ``dtype``. ``revision`` is the hub's commit, or a
    fingerprint of a local folder's files. ``eos`` holds the token ids that end a text.
    """

    name: str
    revision: str
    tokenizer: Any
    table: Tensor
    dtype: torch.dtype
    eos: tuple[int, ...]
    context: int | None

    @property
    def hidden_size(self) -> int:
        """The size h of an embedding."""
        return self.table.shape[1]

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Return the embeddings of token ids, shape (s, h)."""
        return self.table[torch.tensor(list(ids), dtype=torch.long)].to(self.dtype)

    def statistics(self) -> tuple[float, float]:
        """Return mean and standard deviation over all V * h entries."""
        total = square = torch.zeros((), dtype=torch.float64)
        for start in range(0, len(self.table), _ROWS_AT_ONCE):
            rows = self.table[start : start + _ROWS_AT_ONCE].double()
            total, square = total + rows.sum(), square + rows.square().sum()
        mean = float(total) / self.table.numel()
        return mean, max(0.0, float(square) / self.table.numel() - mean**2) ** 0.5


def load_embeddings(
    name: str, *, dtype: str = "auto", revision: str | None = None, trust_remote_code: bool = False
) -> InputEmbeddings:
    """Load the tokenizer and embeddings of a local folder or a hub id; the dtype ``auto`` is float32.

    Raises
    ------
    ModelError
        If the model does not load, is a GGUF file or an adapter, or scales its embeddings: servers differ in whether
        they apply the scale.
    """
    if dtype not in DTYPES:
        raise ModelError(f"expected one of the dtypes {', '.join(DTYPES)}, got {dtype!r}; choose one of them")
    if gguf := find_gguf(name):
        raise ModelError(
            f"expected a folder with safetensors or a hub id for the embeddings of a served writer, got the GGUF file "
            f"{gguf}; give the checkpoint that the server loads, or use the file as a local writer, hf:{gguf}"
        )
    with loading(name):
        adapter = find_adapter(name, revision)
    if adapter:
        raise ModelError(
            f"expected a whole model for the embeddings of a served writer, got the adapter {adapter.name}; merge it "
            f"with peft (merge_and_unload, save_pretrained) and serve that, or use it as a local writer, hf:{name}"
        )
    folder = Path(name).expanduser()
    source, label = (str(folder.resolve()), folder.resolve().name) if os.path.isdir(folder) else (name, name)
    with loading(source):
        options = {"revision": revision, "trust_remote_code": trust_remote_code}
        check_config(source, revision)
        config = transformers.AutoConfig.from_pretrained(source, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **options)
        skeleton = _skeleton(source, config, options)
    _check_plain(label, skeleton)
    commit = None if os.path.isdir(folder) else commit_of(source, revision)
    table = _table(Checkpoint(source, label, commit), skeleton, config.tie_word_embeddings)
    return InputEmbeddings(
        name=label,
        revision=commit or fingerprint(folder),
        tokenizer=tokenizer,
        table=table,
        dtype=torch.float32 if dtype == "auto" else getattr(torch, dtype),
        eos=end_tokens(skeleton, tokenizer),
        context=getattr(config.get_text_config(), "max_position_embeddings", None),
    )


def _skeleton(source: str, config: Any, options: dict[str, Any]) -> Any:
    """Return the model without memory for its weights, but with its generation settings."""
    model = bare_model(config, options["trust_remote_code"])
    try:
        model.generation_config = GenerationConfig.from_pretrained(source, revision=options["revision"])
    except OSError:  # without such a file, the settings are in the model's configuration
        return model
    return model


def _check_plain(label: str, skeleton: Any) -> None:
    """Refuse a model that computes with its embeddings: a server may do that twice, or not at all."""
    try:
        embed = skeleton.get_input_embeddings()
    except NotImplementedError:
        embed = None
    if type(embed) is not torch.nn.Embedding:
        raise ModelError(
            f"expected a writer whose input embeddings are a plain table, got {label}, which scales or computes them, "
            "and servers differ in whether they do that to the embeddings of a request; use it as a local writer, "
            f"hf:{label}, or serve another"
        )


def _table(checkpoint: Checkpoint, skeleton: Any, tied: bool) -> Tensor:
    """Return the stored embeddings; a checkpoint with tied weights may hold them as the output layer."""
    embed, output = skeleton.get_input_embeddings(), skeleton.get_output_embeddings()
    modules = [embed, output] if tied else [embed]
    names = [f"{name}.weight" for wanted in modules for name, module in skeleton.named_modules() if module is wanted]
    table = checkpoint.read(names)
    if table.shape != embed.weight.shape or table.dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ModelError(
            f"expected input embeddings of shape {tuple(embed.weight.shape)} in {checkpoint.label}, in float32, "
            f"bfloat16 or float16, got {tuple(table.shape)} in {str(table.dtype).removeprefix('torch.')}; give the "
            "folder or id of the model without quantisation"
        )
    return table
