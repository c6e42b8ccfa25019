"""Measurements of the embedded pair by task: `python -m training.measure`, then `python -m training.landscape`.

The black box is scored with clear phrasings it was not trained on, with vague ones and with the instructions of other
tasks; the writer without a soft prompt and with random soft prompts. The package does all of this, on the test part of
the built-in task files. The texts and the scores of every task are stored in a file each, which is reused as long as
the weights and the questions are the same.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import dist
from pathlib import Path
from random import Random
from typing import Any

import torch

from instructzero.calls.store import CallStore
from instructzero.models.packed import embedded_folder
from instructzero.models.registry import load_blackbox, load_writer
from instructzero.prompts import DEFAULT, renderer, writer_prompt
from instructzero.scoring.evaluator import Evaluator
from instructzero.tasks import load_task_data, split_task
from instructzero.types import Proposal
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer
from training.corpus import grammar
from training.corpus.registry import FAMILIES_OF, SHIPPED, TASKS
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

SOFT_TOKENS, DIMENSION = 5, 10  # the paper's preset
NEAREST, FARTHEST = 0.05, 3.0  # distances in z at which pairs are compared
OUT = Path("runs/measure")


@dataclass(frozen=True)
class Written:
    """The texts of the writer for one task."""

    made_with: dict[str, Any]  # the writer's weights, and the number of soft prompts
    plain: str  # without a soft prompt
    texts: list[str]  # of the random soft prompts
    pairs: list[tuple[float, str, str]]  # distance in z, and the two texts

    @property
    def every_text(self) -> list[str]:
        """All different texts, without repeats."""
        return list(dict.fromkeys([self.plain, *self.texts, *(text for _, *both in self.pairs for text in both)]))


@dataclass(frozen=True)
class Scored:
    """The scores of one task's instructions with the black box; a score is the mean over `examples` test examples."""

    made_with: dict[str, Any]  # the black box's weights, and the questions
    examples: int
    clear: dict[str, float]  # held-out clear phrasings
    vague: dict[str, float]
    wrong: dict[str, float]  # clear phrasings of other tasks
    written: dict[str, float]  # every text of the writer


@dataclass(frozen=True)
class Findings:
    """All measurements of one task."""

    task: str
    written: Written
    scored: Scored

    @property
    def soft_scores(self) -> list[float]:
        """The score of every random soft prompt."""
        return [self.scored.written[text] for text in self.written.texts]

    @property
    def plain_score(self) -> float:
        """The score of the instruction that is written without a soft prompt."""
        return self.scored.written[self.written.plain]


def texts_file(folder: Path, task: str) -> Path:
    """Return the path of a task's texts."""
    return folder / f"{task}.texts.json"


def scores_file(folder: Path, task: str) -> Path:
    """Return the path of a task's scores."""
    return folder / f"{task}.scores.json"


def store(part: Written | Scored, path: Path) -> None:
    """Write a file atomically."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(part), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def load(folder: Path, task: str) -> Findings:
    """Read the stored measurements of a task."""
    texts, scores = (json.loads(of(folder, task).read_text(encoding="utf-8")) for of in (texts_file, scores_file))
    return Findings(task, Written(**texts), Scored(**scores))


def _stored(path: Path, made_with: dict[str, Any]) -> dict[str, Any] | None:
    """Return the content of a file if it was made with the same weights and settings, else None."""
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record if record["made_with"] == made_with else None


def held_out_texts(spec: TaskSpec, rng: Random) -> list[str]:
    """Return up to ten clear phrasings that the black box was not trained on."""
    return _some(grammar.clear_texts(spec.good, held_out=True), 10, rng)


def vague_texts(spec: TaskSpec) -> list[str]:
    """Return all vague phrasings that may mean the task."""
    patterns = [pattern for name in FAMILIES_OF[spec.name] for pattern in FAMILIES[name].patterns]
    return [text for pattern in patterns for text in grammar.expand(pattern)]


def foreign_texts(spec: TaskSpec, rng: Random) -> list[str]:
    """Return one clear phrasing for each of eight other tasks."""
    others = rng.sample([name for name in SHIPPED if name != spec.name], 8)
    return [rng.choice(grammar.clear_texts(TASKS[name].good, held_out=False)) for name in others]


def _some(texts: Sequence[str], count: int, rng: Random) -> list[str]:
    return rng.sample(list(texts), min(count, len(texts)))


Point = tuple[float, ...]


def draw_points(count: int, generator: torch.Generator) -> list[Point]:
    """Draw ``count`` points z ~ U(−1, 1)^d."""
    return _points(torch.rand(count, DIMENSION, generator=generator) * 2 - 1)


def partners(points: Sequence[Point], generator: torch.Generator) -> list[Point]:
    """Return a partner for every z: a random direction, a log-uniform distance, clipped to the box."""
    z = torch.tensor(points)
    step = torch.nn.functional.normalize(torch.randn(z.shape, generator=generator), dim=1)
    distance = NEAREST * (FARTHEST / NEAREST) ** torch.rand(len(z), 1, generator=generator)
    return _points((z + distance * step).clamp(-1, 1))


def _points(z: torch.Tensor) -> list[Point]:
    return [tuple(row) for row in z.tolist()]


def write(task_name: str, options: argparse.Namespace) -> Written:
    """Return the writer's texts for one task, from their file if it is up to date."""
    model = load_writer(options.writer, batch_size=128)
    exemplars = split_task(load_task_data(task_name)).exemplars
    prompt = writer_prompt(model, exemplars, template="auto", placement="front")
    settings = (options.soft_prompts, options.projections, options.seed)
    made_with = {**model.identity, "settings": list(settings), "prompt": prompt.after}
    path = texts_file(options.out, task_name)
    record = _stored(path, made_with)
    if record is not None:
        return Written(**record)
    texts: list[str] = []
    pairs: list[tuple[float, str, str]] = []
    plain = ""
    for seed in range(options.projections):
        projection = Projection.draw(
            "uniform", dimension=DIMENSION, soft_tokens=SOFT_TOKENS, hidden_size=model.hidden_size, seed=seed
        )
        writer = Writer(model, prompt, projection, max_new_tokens=64)
        generator = torch.Generator().manual_seed(1000 * options.seed + seed)
        points = draw_points(options.soft_prompts // options.projections, generator)
        others = partners(points[: len(points) // 4], generator)
        plain, *found = _texts(writer, [None, *points, *others])
        texts += found[: len(points)]
        pairs += zip(map(dist, points, others), found, found[len(points) :], strict=False)
    written = Written(made_with, plain, texts, pairs)
    store(written, path)
    return written


def _texts(writer: Writer, points: Sequence[Point | None]) -> list[str]:
    return [writing.instruction for writing in writer.write([Proposal(point) for point in points])[0]]


def score(task_name: str, written: Written, options: argparse.Namespace) -> Scored:
    """Return the scores of the texts and of the corpus's phrasings, from their file if it is up to date."""
    spec, rng = TASKS[task_name], Random(f"{options.seed}/{task_name}")
    task = split_task(load_task_data(task_name), test=options.examples)
    groups = (held_out_texts(spec, rng), _some(vague_texts(spec), 8, rng), foreign_texts(spec, rng), written.every_text)
    instructions = list(dict.fromkeys(text for group in groups for text in group))
    model = load_blackbox(options.blackbox, batch_size=192)
    questions = repr((instructions, task.test))
    made_with = {**model.identity, "questions": hashlib.sha256(questions.encode()).hexdigest()}
    path = scores_file(options.out, task_name)
    record = _stored(path, made_with)
    if record is not None:
        return Scored(**record)
    with (
        CallStore(":memory:") as calls,
        Evaluator.of(model, calls, task.metric, render=renderer(DEFAULT), max_tokens=64) as evaluator,
    ):
        evaluations = evaluator.evaluate(instructions, task.test)
        scores = {text: evaluation.mean for text, evaluation in zip(instructions, evaluations, strict=True)}
    scored = Scored(made_with, len(task.test), *({text: scores[text] for text in group} for group in groups))
    store(scored, path)
    return scored


def main() -> None:
    """Parse the command line and measure the tasks that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blackbox", default=f"hf:{embedded_folder() / 'blackbox'}")
    parser.add_argument("--writer", default=f"hf:{embedded_folder() / 'writer'}")
    parser.add_argument("--tasks", nargs="*", default=SHIPPED)
    parser.add_argument("--soft-prompts", type=int, default=2000, help="random soft prompts per task")
    parser.add_argument("--projections", type=int, default=4, help="random matrices that share the soft prompts")
    parser.add_argument("--examples", type=int, default=20, help="number of test examples per score")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(options.tasks, start=1):
        began = time.monotonic()
        found = Findings(name, written := write(name, options), score(name, written, options))
        best, texts = max(found.soft_scores), len(set(written.texts))
        print(
            f"{number}/{len(options.tasks)} {name}: {texts} texts, plain {found.plain_score:.2f}, best {best:.2f}, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
