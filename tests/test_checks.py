"""A writer that does not know the task is never used in silence, and a writer that does not fit is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.bench.plan import cells_of, make_plan
from instructzero.checks import check_writer, check_writer_is_named
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from tests.command_line import Call

LOCAL, SERVED, ASKED = "hf:Qwen/Qwen2.5-1.5B-Instruct", "vllm:Qwen/Qwen2.5-7B-Instruct", "openai:gpt-4o-mini"


def refusal(given: bool = False, **settings: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        check_writer_is_named(make_settings(settings), json.dumps, given=given)
    return str(error.value)


@pytest.mark.parametrize("task", ["rows.csv", "data/words", "hf:ag_news"])
def test_own_task_without_a_named_writer_is_refused_with_three_ways_on(task: str) -> None:
    first, *ways, last = refusal(task=task).split("\n")
    assert f"{task} is none of them" in first
    assert [json.loads(way) for way in ways] == [
        {"writer": LOCAL},
        {"writer": SERVED, "writer_url": "http://localhost:8000"},
        {"writer": ASKED},
    ]
    assert "embedded:writer" in last


def test_ways_on_fit_the_method_and_name_the_black_box_of_a_service() -> None:
    assert LOCAL in refusal(task="rows.csv", method="instinct")
    assert SERVED not in refusal(task="rows.csv", method="instinct")
    assert '"openai:' not in refusal(task="rows.csv", method="paper", blackbox="openai:mine")
    assert '{"writer": "anthropic:mine"}' in refusal(task="rows.csv", blackbox="anthropic:mine")


@pytest.mark.parametrize(
    "settings",
    [
        {"task": "antonyms"},
        {"task": "antonyns"},  # refused as unknown, with the nearest name, when it is loaded
        {"task": "rows.csv", "writer": "embedded:writer"},
        {"task": "rows.csv", "writer": "gpt2"},
        {"task": "antonyms", "data_dir": "benchmark"},
    ],
)
def test_built_in_task_or_named_writer_is_accepted(settings: dict[str, Any]) -> None:
    check_writer_is_named(make_settings(settings), json.dumps)


def test_rows_and_tasks_of_a_benchmark_folder_are_own_tasks() -> None:
    assert "examples is none of them" in refusal(given=True, task="examples")
    assert "cause is none of them" in refusal(task="cause", data_dir="benchmark")


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_command_line_names_the_users_own_command(command_line: Call, more: tuple[str, ...]) -> None:
    own = ("run", "--task", "words.jsonl", "--metric", "regex:\\d+ \\w", "--seed=3", *more)
    code, out, err = command_line(*own)
    assert (code, out) == (2, "")
    ways = [shlex.split(line) for line in err.splitlines() if line.startswith("  ")]
    assert [way[: len(own) + 1] for way in ways] == [["instructzero", *own]] * 3
    assert [way[len(own) + 1 :] for way in ways] == [
        ["--writer", LOCAL],
        ["--writer", SERVED, "--writer-url", "http://localhost:8000"],
        ["--writer", ASKED],
    ]
    assert not Path("runs").exists()


def test_run_that_named_its_writer_resumes(command_line: Call) -> None:
    sizes = ("--evaluations", "2", "--validation", "2", "--test", "2", "--confirmation", "0", "--out", "here")
    assert command_line("run", "--task", "words.jsonl", "--writer", "scripted:phrases", *sizes)[0] == 0
    assert command_line("resume", "here")[0] == 0


def test_python_names_the_argument() -> None:
    asked: list[str] = []
    with pytest.raises(ConfigurationError, match=rf"optimize\(\.\.\., writer='{LOCAL}'\)"):
        instructzero.optimize([("a", "b")] * 20, blackbox=lambda prompt: asked.append(prompt) or "")
    assert asked == []


def test_bench_names_the_setting(task_file: Path) -> None:
    plan = make_plan({"tasks": [str(task_file)], "methods": ["uniform"], "budgets": [60]})
    with pytest.raises(ConfigurationError, match=r'settings: \{"writer": "hf:'):
        cells_of(plan)


@pytest.mark.parametrize("method", ["paper", "uniform", "dro", "instinct", "presto", "zopo"])
@pytest.mark.parametrize("writer", ["openai:m", "anthropic:m", "python:m:f", "scripted:echo", "object:asked:function"])
def test_method_of_soft_prompts_with_asked_writer_is_refused(method: str, writer: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"for method '{method}', got '{writer}', .* \(ape, capo, "):
        check_writer(make_settings({"task": "sum", "method": method, "writer": writer}))


@pytest.mark.parametrize("method", ["ape", "opro", "evoprompt-ga", "evoprompt-de", "capo", "instructzero"])
def test_method_that_asks_for_texts_accepts_asked_writer(method: str) -> None:
    check_writer(make_settings({"task": "sum", "method": method, "writer": "openai:m"}))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"writer_prompt": "{tone}"}, r"got \{tone\}"),
        ({"writer": "openai:m", "writer_prompt": "{soft_prompt}"}, r"expected no \{soft_prompt\}"),
    ],
)
def test_prompt_that_does_not_fit_the_writer_is_refused(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        check_writer(make_settings({"task": "sum", **settings}))


def test_named_key_of_the_writer_that_is_not_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PEN_KEY", raising=False)
    settings = make_settings({"task": "sum", "writer": ASKED, "writer_key_env": "PEN_KEY"})
    with pytest.raises(ConfigurationError, match="environment variable PEN_KEY, got none"):
        check_writer(settings)
    monkeypatch.setenv("PEN_KEY", "k")
    check_writer(settings)
