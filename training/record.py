"""Recorded answers of the embedded pair, which other machines must reproduce: `python -m training.record`.

Only texts that do not depend on rounding are kept: at every position the chosen token is clearly ahead of the next.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from instructzero.models.packed import embedded_folder
from instructzero.tasks import load_task_data, split_task
from training.corpus import grammar
from training.corpus.registry import SHIPPED, TASKS
from training.corpus.rows import black_box_prompt, writer_prompt

RECORD = Path("tests/models/recorded_answers.json")
AHEAD = 0.2  # required distance of the two highest logits
ANSWERS_PER_TASK, WRITER_TASKS, SOFT_PROMPTS = 2, ("antonyms", "sum", "negation"), 8


def _load(name: str) -> tuple[Any, Any]:
    folder = embedded_folder() / name
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return network, AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def sure_text(network: Any, tokenizer: Any, **inputs: torch.Tensor) -> str | None:
    """Return the greedy text after a prompt, or None if a token was chosen by less than `AHEAD`."""
    output = network.generate(**inputs, max_new_tokens=64, return_dict_in_generate=True, output_logits=True)
    top = torch.cat(output.logits).topk(2).values  # [tokens, 2]
    if float((top[:, 0] - top[:, 1]).min()) < AHEAD:
        return None
    new = output.sequences[0, -len(output.logits) :]
    return str(tokenizer.decode(new, skip_special_tokens=True))


def black_box_answers(rng: Random) -> list[dict[str, str]]:
    """Return answers of the black box to clear instructions of every task."""
    network, tokenizer = _load("blackbox")
    found: list[dict[str, str]] = []
    for name in SHIPPED:
        examples = split_task(load_task_data(name)).test
        asked = [(rng.choice(grammar.clear_texts(TASKS[name].good, held_out=False)), row.input) for row in examples]
        kept: list[dict[str, str]] = []
        for instruction, text in asked:
            prompt = black_box_prompt(instruction, text)
            answer = sure_text(network, tokenizer, **tokenizer(prompt, return_tensors="pt"))
            if answer is not None and len(kept) < ANSWERS_PER_TASK:
                kept.append({"instruction": instruction, "input": text, "answer": answer})
            if len(kept) == ANSWERS_PER_TASK:
                break
        found += kept
    return found


def writer_texts() -> list[dict[str, Any]]:
    """Return instructions for a few tasks with soft prompts drawn from seeds."""
    network, tokenizer = _load("writer")
    found = []
    for name in WRITER_TASKS:
        exemplars = split_task(load_task_data(name)).exemplars
        prompt = writer_prompt([(example.input, example.outputs[0]) for example in exemplars])
        embeddings = network.get_input_embeddings()(tokenizer(prompt, return_tensors="pt")["input_ids"])
        for seed in range(SOFT_PROMPTS):
            generator = torch.Generator().manual_seed(seed)
            soft = torch.randn(1, 5, embeddings.shape[-1], generator=generator)
            together = torch.cat([soft, embeddings], dim=1)
            mask = torch.ones(together.shape[:2], dtype=torch.long)
            text = sure_text(network, tokenizer, inputs_embeds=together, attention_mask=mask)
            if text is not None:
                found.append({"prompt": prompt, "seed": seed, "text": text})
    return found


def main() -> None:
    """Write the record."""
    torch.set_num_threads(1)
    record = {"black box": black_box_answers(Random(1)), "writer": writer_texts()}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(", ".join(f"{name}: {len(entries)}" for name, entries in record.items()))


if __name__ == "__main__":
    main()
