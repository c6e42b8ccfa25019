"""Measures the embedded pair and prints a Markdown table: `python -m training.measure`.

The black box is scored on each task with clear phrasings it never saw, with vague ones and with other tasks'
instructions; the writer without a soft prompt and over random soft prompts (the paper's projection: A ~ U(−1, 1),
z ~ U(−1, 1)^10, five tokens).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import mean

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from instructzero.models.registry import EMBEDDED_FOLDER as EMBEDDED
from instructzero.tasks.metrics import get_metric
from training.corpus import grammar
from training.corpus.registry import FAMILIES_OF, KNOWN, TASKS
from training.corpus.rows import black_box_prompt, writer_prompt
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES
from training.make_tasks import task_inputs

TOKENS, LATENT = 5, 10  # the paper's preset
BATCH = 96


@dataclass(frozen=True)
class Model:
    """A loaded model with its tokeniser."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """Loads in float32."""
        network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        return cls(network, AutoTokenizer.from_pretrained(folder))

    @torch.inference_mode()
    def complete(self, prompts: Sequence[str], max_new_tokens: int = 56) -> list[str]:
        """Greedy completions, in left-padded batches of similar length."""
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        texts = [""] * len(prompts)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            encoded = self.tokenizer([prompts[index] for index in chosen], padding=True, return_tensors="pt")
            ids, mask = encoded["input_ids"], encoded["attention_mask"]
            output = self.network.generate(input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens)
            decoded = self.tokenizer.batch_decode(output[:, ids.shape[1] :], skip_special_tokens=True)
            for index, text in zip(chosen, decoded, strict=True):
                texts[index] = text.strip()
        return texts

    @torch.inference_mode()
    def write(self, prompt: str, soft_prompts: torch.Tensor | None) -> list[str]:
        """Greedy texts for one prompt under soft prompts [n, t, h]; a single text without any."""
        ids = self.tokenizer(prompt, return_tensors="pt")["input_ids"]
        embeddings = self.network.get_input_embeddings()(ids)  # [1, l, h]
        if soft_prompts is not None:
            embeddings = torch.cat([soft_prompts, embeddings.expand(len(soft_prompts), -1, -1)], dim=1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long)
        output = self.network.generate(inputs_embeds=embeddings, attention_mask=mask, max_new_tokens=40)
        return [text.strip() for text in self.tokenizer.batch_decode(output, skip_special_tokens=True)]


@dataclass(frozen=True)
class Scorer:
    """Scores instructions of one task on fixed examples."""

    task: TaskSpec
    inputs: list[str]
    black_box: Model

    def scores(self, instructions: Sequence[str]) -> list[float]:
        """The mean score of each instruction; each different text is asked once."""
        different = list(dict.fromkeys(instructions))
        prompts = [black_box_prompt(instruction, text) for instruction in different for text in self.inputs]
        answers = self.black_box.complete(prompts)
        metric = get_metric(self.task.metric)
        accepted = [self.task.answer(text) or () for text in self.inputs] * len(different)
        values = [float(metric(answer, outputs)) for answer, outputs in zip(answers, accepted, strict=True)]
        size = len(self.inputs)
        by_text = {text: mean(values[row * size : (row + 1) * size]) for row, text in enumerate(different)}
        return [by_text[instruction] for instruction in instructions]


def _some(texts: Sequence[str], count: int, rng: Random) -> list[str]:
    return rng.sample(list(texts), min(count, len(texts)))


def vague_texts(task: TaskSpec) -> list[str]:
    """Every vague phrasing that may mean the task."""
    patterns = [pattern for name in FAMILIES_OF[task.name] for pattern in FAMILIES[name].patterns]
    return [text for pattern in patterns for text in grammar.expand(pattern)]


def black_box_row(scorer: Scorer, rng: Random) -> dict[str, float]:
    """Scores with clear held-out, vague and foreign instructions."""
    clear = scorer.scores(_some(grammar.clear_texts(scorer.task.good, held_out=True), 10, rng))
    vague = scorer.scores(_some(vague_texts(scorer.task), 8, rng))
    others = [name for name in KNOWN if name != scorer.task.name]
    foreign = [rng.choice(grammar.clear_texts(TASKS[name].good, held_out=False)) for name in rng.sample(others, 6)]
    wrong = scorer.scores(foreign)
    return {"clear best": max(clear), "clear": mean(clear), "vague": mean(vague), "wrong": mean(wrong)}


def soft_prompts(z: torch.Tensor, hidden_size: int, seed: int) -> torch.Tensor:
    """[n, d] → [n, t, h] by one random matrix."""
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.rand(z.shape[1], TOKENS * hidden_size, generator=generator) * 2 - 1  # ~ U(−1, 1)
    return (z @ matrix).view(len(z), TOKENS, hidden_size)


def writer_row(writer: Model, scorer: Scorer, prompt: str, count: int, seed: int) -> tuple[dict[str, float], list[str]]:
    """Scores without a soft prompt and over random ones, and how texts change with z."""
    hidden_size = writer.network.config.hidden_size
    generator = torch.Generator().manual_seed(seed)
    z = torch.rand(count, LATENT, generator=generator) * 2 - 1
    near = z + (torch.rand(count, LATENT, generator=generator) * 2 - 1) * 0.1
    texts = writer.write(prompt, soft_prompts(z, hidden_size, seed))
    near_texts = writer.write(prompt, soft_prompts(near, hidden_size, seed))
    plain = writer.write(prompt, None)[0]
    plain_score, *scores = scorer.scores([plain, *texts])
    best = max(scores)
    row = {
        "plain": plain_score,
        "soft mean": mean(scores),
        "soft best": best,
        "share at best": mean(score >= best - 1e-9 for score in scores),
        "share ≥ .9": mean(score >= 0.9 for score in scores),
        "texts": float(len(set(texts))),
        "near same": mean(a == b for a, b in zip(texts, near_texts, strict=True)),
        "far same": mean(a == b for a, b in pairwise(texts)),
    }
    ranked = sorted(set(zip(scores, texts, strict=True)), reverse=True)
    return row, [f"{plain_score:.2f} plain: {plain}", *(f"{score:.2f} {text}" for score, text in ranked)]


def measure_task(
    task: TaskSpec, black_box: Model, writer: Model | None, count: int, seed: int
) -> tuple[dict[str, float], list[str]]:
    """All numbers of one task."""
    inputs = task_inputs(task)
    rng = Random(f"{seed}/{task.name}")
    scorer = Scorer(task, inputs[-30:], black_box)
    row = black_box_row(scorer, rng)
    if writer is None:
        return row, []
    shown = [(text, (task.answer(text) or ("",))[0]) for text in rng.sample(inputs[: len(inputs) // 2], 5)]
    written, texts = writer_row(writer, scorer, writer_prompt(shown), count, seed)
    return {**row, **written}, texts


def table(rows: dict[str, dict[str, float]]) -> str:
    """The rows as Markdown, the mean of all tasks last."""
    columns = list(next(iter(rows.values())))
    means = {column: mean(row[column] for row in rows.values()) for column in columns}
    lines = ["| task | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in {**rows, "**mean**": means}.items():
        cells = [f"{row[column]:.0f}" if column == "texts" else f"{row[column]:.2f}" for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blackbox", type=Path, default=EMBEDDED / "blackbox")
    parser.add_argument("--writer", type=Path, default=EMBEDDED / "writer")
    parser.add_argument("--no-writer", action="store_true")
    parser.add_argument("--tasks", nargs="*", default=KNOWN)
    parser.add_argument("--count", type=int, default=60, help="random soft prompts a task")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--texts", action="store_true", help="print what the writer wrote, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    black_box = Model.load(options.blackbox)
    writer = None if options.no_writer else Model.load(options.writer)
    rows = {}
    for name in options.tasks:
        rows[name], texts = measure_task(TASKS[name], black_box, writer, options.count, options.seed)
        if options.texts:
            print(f"\n{name}", *texts, sep="\n", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
