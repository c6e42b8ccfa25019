"""The settings of the command line: flags before the YAML file before the environment, and the paths of each."""

from pathlib import Path

import pytest

from instructzero.cli.run_settings import read_run_settings
from instructzero.errors import ConfigurationError


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read settings from flags, the content of sub/run.yaml, and variables, in a folder beside ``sub``."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def read(flags=(), file="", variables=(), out=None):
        config = Path("../sub/run.yaml") if file else None
        if config:
            config.write_text(file)
        return read_run_settings(dict(flags), config, out, {f"INSTRUCTZERO_{k}": v for k, v in dict(variables).items()})

    return read


def test_flags_win_over_the_file_and_the_file_over_the_environment(read):
    settings = read(
        {"seed": "1"},
        "task: sum\nseed: 2\nevaluations: 20\n",
        {"SEED": "3", "EVALUATIONS": "30", "FINALISTS": "4", "RACING": "no", "MAX_TIME": "2h"},
    ).settings
    assert (settings.seed, settings.evaluations, settings.finalists) == (1, 20, 4)
    assert (settings.racing, settings.max_time, settings.test) == (False, 7200, None)


def test_run_from_the_environment_alone(read):
    found = read(variables={"TASK": "sum", "BLACKBOX": "openai:m", "OUT": "somewhere", "START": "One.", "SEDE": "9"})
    assert (found.settings.task, found.settings.blackbox, found.settings.start) == ("sum", "openai:m", ("One.",))
    assert found.out == Path("somewhere")
    assert len(found.warnings) == 1


def test_out_of_a_flag_wins_over_the_file_and_the_file_over_the_environment(read):
    file = "task: sum\nout: results\n"
    assert read(file=file, variables={"OUT": "c"}, out=Path("a")).out == Path("a")
    assert read(file=file, variables={"OUT": "c"}).out == Path("../sub/results")
    assert read(file="task: sum\n", variables={"OUT": "c"}).out == Path("c")
    assert read(file="task: sum\nout: /results\n").out == Path("/results")
    assert read(file="task: sum\n").out is None


@pytest.mark.parametrize("value", ["5", "[a]", "''", "' '"])
def test_out_that_is_no_path_is_one_sentence(read, value):
    with pytest.raises(ConfigurationError, match="expected the path of a folder for 'out'"):
        read(file=f"task: sum\nout: {value}\n")


def test_paths_of_a_file_begin_at_its_folder(read, tmp_path):
    sub = tmp_path / "sub"
    (sub / "model").mkdir()
    (sub / "data" / "rows").mkdir(parents=True)
    (sub / "prompt.txt").write_text("user: {instruction}\n\n{input}")
    (sub / "starts.txt").write_text("One.\n---\nTwo.")
    settings = read(
        file="task: rows.csv\ntest_data: data/test.jsonl\ndata_dir: bench\nstore: calls.sqlite\nwriter: hf:model\n"
        "judge: model\nprompt: prompt.txt\nstart: [starts.txt, Three.]\nbaseline: ./prompt.txt\n"
    ).settings
    assert Path(settings.task) == Path("../sub/rows.csv")
    assert settings.test_data == Path("../sub/data/test.jsonl")
    assert settings.data_dir == Path("../sub/bench")
    assert settings.store == Path("../sub/calls.sqlite")
    assert settings.writer == f"hf:{sub / 'model'}"
    assert settings.judge == str(sub / "model")
    assert settings.prompt == settings.baseline == "user: {instruction}\n\n{input}"
    assert settings.start == ("One.", "Two.", "Three.")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("sum", "sum"),
        ("rows.xlsx#French", "../sub/rows.xlsx#French"),
        ("/data/rows.csv", "/data/rows.csv"),
        ("hf:data/rows", "hf:../sub/data/rows"),
        ("hf:data/rows#french:train", "hf:../sub/data/rows#french:train"),
        ("hf:./missing", "hf:../sub/missing"),
        ("hf:openai/gsm8k#main", "hf:openai/gsm8k#main"),
    ],
)
def test_task_of_a_file_is_a_path_only_if_it_names_one(read, tmp_path, task, expected):
    (tmp_path / "sub" / "data" / "rows").mkdir(parents=True)
    (tmp_path / "sub" / "sum").mkdir()
    assert read(file=f"task: '{task}'\n").settings.task == expected


@pytest.mark.parametrize("model", ["openai:model", "embedded:writer", "hf:org/model", "python:module:function"])
def test_model_of_a_file_that_is_no_folder_stays(read, model):
    assert read(file=f"task: sum\nwriter: {model}\n").settings.writer == model


def test_paths_of_flags_and_variables_begin_at_the_working_directory(read):
    Path("mine.txt").write_text("Mine.")
    found = read({"task": "rows.csv"}, "task: other.csv\n", {"BASELINE": "mine.txt", "STORE": "calls.sqlite"})
    assert (found.settings.task, found.settings.baseline) == ("rows.csv", "Mine.")
    assert found.settings.store == Path("calls.sqlite")


def test_file_in_the_working_directory_keeps_its_paths(read):
    Path("run.yaml").write_text("task: rows.csv\n")
    assert read_run_settings({}, Path("run.yaml"), None, {}).settings.task == "rows.csv"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MAX_USD": "much"}, "got 'much'; change INSTRUCTZERO_MAX_USD"),
        ({"METHOD": "instinkt"}, "INSTRUCTZERO_METHOD: unknown method 'instinkt'; did you mean 'instinct'?"),
        ({"PROMPT": "./none.txt"}, "an existing file for INSTRUCTZERO_PROMPT"),
        ({"BASE_URL": "http://me:hunter2@host/v1"}, "change INSTRUCTZERO_BASE_URL"),
    ],
)
def test_faulty_variable_is_named_in_one_sentence(read, variables, message):
    with pytest.raises(ConfigurationError) as caught:
        read({"task": "sum"}, variables=variables)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_faulty_variable_that_is_not_used_does_not_matter(read):
    assert read({"task": "sum", "max_usd": "1"}, variables={"MAX_USD": "much"}).settings.max_usd == 1
    assert read({"task": "sum", "baseline": "Mine."}, "baseline: ./none.txt\n").settings.baseline == "Mine."


def test_fault_of_a_flag_names_the_flag(read):
    with pytest.raises(ConfigurationError, match="got 'much'; change --max-usd"):
        read({"task": "sum", "max_usd": "much"}, variables={"MAX_USD": "1"})


def test_command_uses_variables_and_warns_of_others(command_line, monkeypatch):
    monkeypatch.setenv("INSTRUCTZERO_SEED", "seven")
    monkeypatch.setenv("INSTRUCTZERO_SEDE", "7")
    code, _, err = command_line("run", "--task", "sum", "--dry-run")
    assert (code, err.count("\n")) == (2, 1)
    assert "change INSTRUCTZERO_SEED" in err
    monkeypatch.setenv("INSTRUCTZERO_SEED", "7")
    monkeypatch.setenv("INSTRUCTZERO_OUT", "there")
    scripted = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--method", "uniform")
    code, _, err = command_line("run", "--task", "words.jsonl", *scripted, "--evaluations", "4", "--batch", "4")
    assert code == 0
    assert "warning: INSTRUCTZERO_SEDE is no setting and is not used; did you mean INSTRUCTZERO_SEED?" in err
    assert "seed: 7" in Path("there/settings.yaml").read_text()
    monkeypatch.setenv("INSTRUCTZERO_SEED", "8")
    assert command_line("resume", "there")[0] == 0
    assert not Path("runs").exists()
