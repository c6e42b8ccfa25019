"""A directory with another run: the ways on are commands that work when they are pasted into a shell."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.cli.ways_on import commands

RUN = (
    *("run", "--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "scripted:obey"),
    *("--method", "uniform", "--evaluations", "4", "--batch", "4"),
)


def test_refused_run_names_three_commands_and_each_of_them_works(command_line):
    assert command_line(*RUN, "--out", "here")[0] == 0
    code, _, err = command_line(*RUN, "--seed", "7", "--baseline", "Turn it round,\nit's\tshort.", "--out", "here")
    assert code == 2
    refusal, *lines = err.splitlines()
    assert refusal.startswith("instructzero: here holds another run (")
    assert "seed: 0 there, 7 here" in refusal
    assert len(lines) == 3
    asked = [read_by_bash(line) for line in lines]
    assert asked[0][-2:] == ["--out", "here-2"]
    assert asked[0].count("--out") == 1
    assert asked[1][-1] == "--overwrite"
    assert asked[2] == ["instructzero", "resume", "here"]
    for words in (asked[2], asked[0], asked[1]):
        assert command_line(*words[1:])[0] == 0
    assert Path("here/journal.jsonl").read_bytes() == Path("here-2/journal.jsonl").read_bytes()


def test_refused_resume_names_commands_with_its_settings(command_line, task_file):
    assert command_line(*RUN, "--out", "here")[0] == 0
    task_file.write_text(task_file.read_text().replace("apple", "ample"))
    code, _, err = command_line("resume", "here")
    refusal, *lines = err.splitlines()
    assert (code, len(lines)) == (2, 2)
    assert "was begun with another" in refusal
    for line in reversed(lines):
        assert command_line(*read_by_bash(line)[1:])[0] == 0
    assert Path("here/journal.jsonl").read_bytes() == Path("here-2/journal.jsonl").read_bytes()


def test_directory_beside_is_one_that_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "x-2").mkdir(parents=True)
    assert commands(Path("runs/x"), ["run"])[0] == "  instructzero run --out runs/x-3"
    assert commands(Path(), ["run"])[0] == f"  instructzero run --out {tmp_path}-2"


@pytest.mark.parametrize("given", [["--out", "a"], ["--out=a"], ["--overwrite"], []])
def test_flags_that_the_way_on_sets_are_not_repeated(given):
    beside, overwritten, _ = (line.split() for line in commands(Path("a"), ["run", *given, "--seed", "1"]))
    assert sum(word.startswith("--out") for word in beside) == 1
    assert overwritten.count("--overwrite") == 1


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=3))
def test_every_argument_is_one_printable_word(arguments):
    line = commands(Path("a"), ["run", *arguments])[1]
    assert line.isprintable()


def test_any_argument_survives_the_shell():
    arguments = ["it's", 'a "b" $HOME `id` \\n', "two\nlines\tand\x1b[31m", "Ünder\u202e", "", "-x"]
    (line, *_) = commands(Path("a"), ["run", *arguments])
    assert read_by_bash(line) == ["instructzero", "run", *arguments, "--out", "a-2"]


def read_by_bash(line):
    """Return the words of a line as bash reads them."""
    show = [sys.executable, "-c", "import sys, json; print(json.dumps(sys.argv[1:]))"]
    script = f"{shlex.join(show)} {line}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    import json

    return json.loads(done.stdout)
