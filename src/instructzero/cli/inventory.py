"""What comes with the package: its tasks and models, listed on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instructzero.models.registry import EMBEDDED_FOLDER
from instructzero.tasks import builtin_names, load_builtin

_SPECIFICATIONS = (
    ("writer", "hf:FOLDER_OR_HUB_ID, or the folder or id alone", "any Hugging Face causal LM"),
    ("writer", "vllm:FOLDER_OR_HUB_ID", "the same on a vLLM server, with --writer-url; key in VLLM_API_KEY"),
    ("writer", "sglang:FOLDER_OR_HUB_ID", "the same on an SGLang server, with --writer-url; key in SGLANG_API_KEY"),
    ("writer", "embedded:writer", "the writer that comes with the package"),
    (
        "black box",
        "openai:MODEL",
        "the OpenAI API, or any compatible endpoint with --base-url; key in OPENAI_API_KEY",
    ),
    ("black box", "anthropic:MODEL", "Claude, with the extra anthropic; key in ANTHROPIC_API_KEY"),
    ("black box", "hf:FOLDER_OR_HUB_ID", "a local causal LM"),
    ("black box", "python:module:function", "any function from prompt to answer, also asynchronous"),
    ("black box", "embedded:blackbox", "the black box that comes with the package"),
)


def print_tasks() -> None:
    """A line for each built-in task."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("task", no_wrap=True)
    for column in ("metric", "search", "test", "description"):
        table.add_column(column, justify="right" if column in ("search", "test") else "left", overflow="fold")
    for name in builtin_names():
        data = load_builtin(name)
        sizes = (str(len(data.search)), str(len(data.test or ())))
        table.add_row(name, data.metric, *sizes, data.description)
    _console().print(table)


def print_task(name: str, examples: int = 5) -> None:
    """The first examples of a built-in task; raises `TaskError` for an unknown name."""
    data = load_builtin(name)
    console = _console()
    console.print(f"{data.name}: {data.description} ({data.metric})", markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("input", overflow="fold")
    table.add_column("accepted answers", overflow="fold")
    for example in data.search[:examples]:
        table.add_row(Text(example.input), Text(" | ".join(example.outputs)))
    console.print(table)


def print_models() -> None:
    """How models are named, and the embedded ones with their sizes."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("role", "specification", "what it is"):
        table.add_column(column, overflow="fold")
    for row in _SPECIFICATIONS:
        table.add_row(*row)
    console = _console()
    console.print(table)
    for folder in sorted(path for path in EMBEDDED_FOLDER.iterdir() if path.is_dir()):
        size = (folder / "model.safetensors").stat().st_size / 1e6
        console.print(f"embedded:{folder.name}  {size:.1f} MB, card: {folder / 'MODEL_CARD.md'}", soft_wrap=True)


def _console() -> Console:
    return Console(highlight=False)
