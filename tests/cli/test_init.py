"""``instructzero init``: what it writes loads, can be estimated, and runs to its end."""

import json
import re
from pathlib import Path

import pytest

from instructzero.api import resolve_paths
from instructzero.build import build_data, build_task
from instructzero.cli.run_settings import read_run_settings
from instructzero.cli.starter import FILES, RUN
from instructzero.config import Settings
from instructzero.testing.endpoint import Endpoint
from instructzero.testing.shop import LESSONS, PORT
from instructzero.testing.shop import answer as stand_in

TEAMS = {"parcel": "delivery", "courier": "delivery", "card": "payment", "invoice": "payment", "shoes": "returns"}


def answer(prompt):
    """Answer as a black box that reads key words, and as a writer that has two ideas."""
    if "Subject:" not in prompt:
        return "Choose the team for this message.\nWhich team answers this?"
    return next((team for word, team in TEAMS.items() if word in prompt), "delivery")


@pytest.fixture
def endpoint(monkeypatch):
    with Endpoint(answer) as endpoint:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("INSTRUCTZERO_BASE_URL", endpoint.base_url)
        yield endpoint


def test_written_files_run_to_their_end_by_the_printed_commands(command_line, endpoint):
    code, out, err = command_line("init", "my task")
    assert (code, err) == (0, "")
    assert {path.name for path in Path("my task").iterdir()} == set(FILES)
    estimate, run = (line.strip() for line in out.splitlines() if line.startswith("  "))
    assert run == "instructzero run --config 'my task/run.yaml'"
    assert estimate == f"{run} --dry-run"
    code, out, err = command_line("run", "--config", "my task/run.yaml", "--dry-run")
    assert (code, err) == (0, "")
    assert "Subject: " in out
    assert endpoint.billed.total() == 0
    assert command_line("run", "--config", "my task/run.yaml", "--evaluations", "4")[0] == 0
    result = json.loads(Path("my task/results/result.json").read_text(encoding="utf-8"))
    assert result["test_examples"] == 4
    paid = endpoint.billed.total()
    assert command_line("run", "--config", "my task/run.yaml", "--evaluations", "4")[0] == 0
    assert endpoint.billed.total() == paid > 0


def test_written_configuration_names_the_settings_that_matter_with_a_comment_each(command_line):
    command_line("init")
    asked = read_run_settings({}, Path("run.yaml"), None, {})
    assert asked.out == Path("results")
    settings = asked.settings
    assert settings.start == ("Name the team that has to answer this message.",)
    assert "{instruction}" in (settings.prompt or "")
    assert {"task", "prompt", "start", "task_description", "writer", "blackbox", "metric", "max_calls"} <= {
        name for name in Settings.model_fields if getattr(settings, name) != Settings.model_fields[name].default
    }
    lines = re.findall(r"^(?:# )?\w+: .*$", RUN, re.M)
    assert len(lines) > 15
    assert all("  # " in line for line in lines)


def test_settings_in_comments_are_valid(command_line):
    command_line("init")
    path = Path("run.yaml")
    path.write_text(re.sub(r"^# (\w+: )", r"\1", path.read_text(), flags=re.M))
    settings = read_run_settings({}, path, None, {}).settings
    assert (settings.max_time, settings.confirmation, settings.max_usd) == (1800, 40, 1.0)


def test_sample_rows_have_two_input_columns_and_every_answer_of_the_metric(command_line):
    command_line("init")
    settings = resolve_paths(read_run_settings({}, Path("run.yaml"), None, {}).settings)
    rows = build_data(settings).search
    assert len(rows) == 10
    assert {row.columns.keys() >= {"subject", "body"} for row in rows} == {True}
    assert settings.metric == "choice:" + "|".join(sorted({row.outputs[0] for row in rows}))
    assert build_task(settings).test


@pytest.mark.parametrize("present", [["run.yaml"], ["rows.csv", "prompt.txt"]])
def test_existing_files_are_named_and_kept(command_line, present):
    for name in present:
        Path(name).write_text("mine")
    before = sorted(Path().iterdir())
    code, _, err = command_line("init")
    assert (code, err.count("\n")) == (2, 1)
    assert f"got one with {', '.join(present)}" in err
    assert sorted(Path().iterdir()) == before
    assert [Path(name).read_text() for name in present] == ["mine"] * len(present)


def test_folder_that_cannot_be_written_is_one_sentence(command_line):
    code, _, err = command_line("init", "/proc/none")
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot write to /proc/none" in err


def test_demo_files_run_with_the_stand_in_and_improve_the_instruction(command_line, monkeypatch):
    code, out, err = command_line("init", "shop", "--demo")
    assert (code, err) == (0, "")
    assert "python -m instructzero.testing\n" in out
    config = Path("shop/run.yaml").read_text(encoding="utf-8")
    assert f"\nbase_url: http://127.0.0.1:{PORT}/v1 " in config
    assert "\nblackbox: openai:demo " in config
    assert "\nwriter: openai:demo " in config
    assert "\n# Your task: messages to a shop.\n" in config
    with Endpoint(stand_in) as endpoint:
        code, out, err = command_line("run", "--config", "shop/run.yaml", "--base-url", endpoint.base_url)
    assert (code, err) == (0, "")
    result = json.loads(Path("shop/results/result.json").read_text(encoding="utf-8"))
    assert result["instruction"] == LESSONS["refund"]
    assert result["verdict"].startswith("Switch: ")
    assert 0.8 < result["confirmation_score"] < 1
    assert "Switch: the new instruction is better by +0." in out


def test_demo_files_replace_no_file_either(command_line):
    command_line("init")
    code, _, err = command_line("init", "--demo")
    assert code == 2
    assert "got one with run.yaml, rows.csv, prompt.txt" in err
