"""A Llama of 6.8 million random weights whose texts never end, and the published way of decoding."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from instructzero.models.decoding import Prefix
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.network import generate
from instructzero.models.packed import embedded_folder


def save_random_writer(folder: Path) -> Path:
    """Save weights of seed 0 and the embedded writer's tokenizer, without an end token; return ``folder``."""
    tokenizer = AutoTokenizer.from_pretrained(embedded_folder() / "writer")
    shape = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 4}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **shape))
    model.generation_config.eos_token_id = tokenizer.eos_token = None
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class OneAtATime(HuggingFaceModel):
    """A writer that decodes one prompt after the other to the maximum length, by transformers' `generate`."""

    def _continue(self, embeddings: Tensor, prefix: Prefix | None, max_new_tokens: int, *_: object) -> list[str]:
        mask = torch.ones(1, embeddings.shape[1], dtype=torch.long)
        rows = [{"inputs_embeds": row[None], "attention_mask": mask} for row in embeddings]
        return [self._network.decode(generate(self._network, row, max_new_tokens)[0]) for row in rows]
