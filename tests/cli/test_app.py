"""The command line: its output, and its errors."""

import io
import json
import re
import resource
import subprocess
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

import instructzero
from instructzero.cli import app as command_line
from instructzero.errors import LONGEST_MESSAGE, ModelError, UserError
from instructzero.registry import METHODS
from tests.command_line import call


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, task_file):
    """Call the command line in this process, in an empty directory with the task; return exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    return partial(call, monkeypatch, capsys)


SCRIPTED = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey")
BOX = SCRIPTED[2:]
QUICK = ("--evaluations", "8", "--initial", "4", "--batch", "4")


def test_run_prints_best_and_plain_instruction_with_scores(run):
    code, out, _ = run("run", "--task", "words.jsonl", *SCRIPTED, *QUICK, "--out", "here")
    assert code == 0
    result = json.loads(Path("here/result.json").read_text())
    for name, scores in (("best", result), ("plain", result["plain"])):
        row = re.search(rf"^{name} +(\d\.\d{{3}}) \[.*?\] +(\d\.\d{{3}}) \[", out, re.M)
        assert [float(score) for score in row.groups()] == [scores["validation_score"], scores["test_score"]]
    assert result["instruction"] in out
    assert "\x1b" not in out


def test_run_repeated_resumes_and_refuses_other_settings(run):
    arguments = ("run", "--task", "words.jsonl", *SCRIPTED, *QUICK, "--out", "here")
    assert run(*arguments)[0] == 0
    code, out, _ = run(*arguments)
    assert (code, "(0 of them now)" in out) == (0, True)
    code, _, err = run(*arguments, "--seed", "7")
    assert code == 2
    assert "seed: 0 there, 7 here" in err


def test_configuration_file_and_flags_give_same_journal(run):
    Path("settings.yaml").write_text(
        "task: words.jsonl\nwriter: scripted:phrases\nblackbox: scripted:obey\nevaluations: 8\ninitial: 4\n"
    )
    assert run("run", "--config", "settings.yaml", "--batch", "4", "--out", "a")[0] == 0
    assert run("run", "--task", "words.jsonl", *SCRIPTED, *QUICK, "--out", "b")[0] == 0
    assert Path("a/journal.jsonl").read_text() == Path("b/journal.jsonl").read_text()


def test_run_with_prices_prints_cost(run):
    prices = ("--input-price", "1", "--output-price", "1000")
    _, out, _ = run("run", "--task", "words.jsonl", *SCRIPTED, *QUICK, *prices)
    usage = json.loads(Path("runs/words-instructzero-0-scripted-obey+scripted-phrases/result.json").read_text())[
        "usage"
    ]
    dollars = (usage["prompt_tokens"] + 1000 * usage["completion_tokens"]) / 1e6
    assert f"${dollars:.4f}" in out


class WrongKey(BaseHTTPRequestHandler):
    """An endpoint that refuses every key with 401 and counts its requests."""

    asked = 0

    def do_POST(self):
        type(self).asked += 1
        body = b'{"error": {"message": "Incorrect API key provided: sk-se****", "code": "invalid_api_key"}}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments): ...


def test_wrong_key_fails_at_first_call_and_is_never_shown(run, monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), WrongKey)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-marker")
    url = f"http://127.0.0.1:{server.server_port}/v1"
    code, out, err = run(
        *("run", "--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "openai:m"),
        *("--base-url", url, "--out", "here"),
    )
    server.shutdown()
    server.server_close()
    assert code == 2
    assert "OPENAI_API_KEY" in err
    assert WrongKey.asked == 1
    written = b"".join(path.read_bytes() for path in Path("here").iterdir())
    assert "marker" not in out + err
    assert b"marker" not in written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "none.jsonl", *SCRIPTED], "none.jsonl: expected a file"),
        (["--task", "malformed.jsonl", *SCRIPTED], "line 2"),
        (["--task", "empty.jsonl", *SCRIPTED], "got an empty task"),
        (["--task", "antonyns", *SCRIPTED], "unknown task 'antonyns'"),
        (["--task", "words.jsonl", "--input-column", "inptu", *SCRIPTED], "did you mean 'input'"),
        (["--task", "words.jsonl", "--metric", "exact_mach", *SCRIPTED], "did you mean 'exact_match'"),
        (["--task", "words.jsonl", "--validation", "500", *SCRIPTED], "asked for 500 validation examples"),
        (["--task", "words.jsonl", "--writer", "./none", "--blackbox", "scripted:obey"], "neither a folder here"),
        (["--task", "words.jsonl", "--writer", "magic:x", "--blackbox", "scripted:obey"], "expected a model as"),
        (["--task", "words.jsonl", "--writer", "openai:x", "--blackbox", "scripted:obey"], "OPENAI_API_KEY"),
        (["--task", "words.jsonl", "--writer", "openai:x", "--method", "paper", *BOX], "takes soft prompts"),
        (["--task", "antonyns", *BOX], "unknown task 'antonyns'"),
        (["--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "openai:x"], "OPENAI_API_KEY"),
        (["--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "python:no:f"], "no"),
        (
            [
                *("--task", "words.jsonl", "--writer", "scripted:phrases", "--blackbox", "openai:x"),
                *("--retries", "0", "--base-url", "http://127.0.0.1:9/v1"),
            ],
            "http://127.0.0.1:9/v1 cannot be reached",
        ),
        (["--task", "words.jsonl", *SCRIPTED, "--evaluations", "0"], "greater than 0"),
        (["--task", "words.jsonl", *SCRIPTED, "--out", "/proc/nowhere"], "cannot write to /proc/nowhere"),
        (["--config", "typo.yaml", *SCRIPTED], "did you mean 'evaluations'"),
        (["--config", "none.yaml", *SCRIPTED], "no configuration file"),
        (SCRIPTED, "no task is set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_gives_one_sentence_and_exit_code_2(run, arguments, message):
    for name, content in {
        "malformed.jsonl": '{"input": "a", "output": "b"}\n{bad\n',
        "empty.jsonl": "",
        "typo.yaml": "task: words.jsonl\nevaluatoins: 4\n",
    }.items():
        Path(name).write_text(content)
    code, _, err = run("run", *arguments)
    assert code == 2
    assert message in err
    assert err.startswith("instructzero: ")
    assert err.count("\n") == 1


PARTS = ("--exemplars", "2", "--validation", "8", "--test", "4", "--confirmation", "6")
SMALL = ("run", "--task", "words.jsonl", *SCRIPTED, *PARTS, "--method", "uniform", "--evaluations", "8", "--batch", "4")


def result_of(directory):
    return json.loads(Path(directory, "result.json").read_text())


def test_limit_stops_search_with_reason_and_higher_limit_continues(run):
    code, out, _ = run(*SMALL, "--max-calls", "45", "--out", "here")
    assert code == 0
    first = result_of("here")
    assert first["spent"]["black box"]["calls"] <= 45
    assert first["evaluations"] < 8
    assert re.search(r"^\[0:00:0\d\] the limit of 45 calls leaves no room", out, re.M)
    said = " ".join(out.split())
    assert "The search stopped early: the limit of 45 calls leaves no room for another request" in said
    assert "raise --max-calls" in said
    assert run(*SMALL, "--max-calls", "1000", "--out", "here")[0] == 0
    assert run(*SMALL, "--out", "reference")[0] == 0
    whole, reference = result_of("here"), result_of("reference")
    assert whole["evaluations"] == 8
    assert whole["instruction"] == reference["instruction"]
    assert (
        whole["spent"]["black box"]["calls"] <= reference["spent"]["black box"]["calls"] + 20
    )  # those of the first final selection and test


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (("--max-calls", "3"), "the limit of 3 calls leaves no room for another request"),
        (("--max-tokens", "9"), "the limit of 9 tokens leaves no room for another request"),
        (("--max-time", "0.0000001s"), "seconds is reached"),
        (("--max-usd", "1e-9", "--input-price", "1", "--output-price", "1"), "raise --max-usd"),
    ],
)
def test_limit_below_first_call_gives_one_sentence(run, limit, message):
    code, _, err = run(*SMALL, *limit, "--out", "here")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("instructzero: ")
    assert message in err
    assert run(*SMALL, "--out", "here")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-usd", "1", "--blackbox", "python:m:f"), "price of the black box is not known"),
        (("--max-time", "soon"), "got 'soon'; change --max-time"),
        (("--metric", "judge"), "expected --metric judge and --judge MODEL together"),
        (("--judge", "scripted:echo"), "expected --metric judge and --judge MODEL together"),
        (("--shots", "3"), "expected at most 2 shots"),
        (("--scoring", "loglikelihood"), "expected a local black box"),
        (("--confirmation", "30"), "asked for 2 exemplars and 8 validation examples and 4 test examples and 30"),
    ],
)
def test_conflicting_settings_give_one_sentence(run, arguments, message):
    Path("m.py").write_text("def f(prompt):\n    return prompt\n")
    code, _, err = run(*SMALL, *arguments, "--out", "here")
    assert (code, err.count("\n")) == (2, 1)
    assert message in err


def test_max_time_with_unit_is_stored_in_seconds(run):
    assert run(*SMALL, "--max-time", "30m", "--out", "here")[0] == 0
    assert "max_time: 1800.0" in Path("here/settings.yaml").read_text()


def test_shared_store_pays_once_and_lists_paying_run(run, tmp_path):
    store = tmp_path / "shared.sqlite"
    for name in ("a", "b"):
        assert run(*SMALL, "--store", store, "--out", name)[0] == 0
    first, second = result_of("a"), result_of("b")
    assert second["spent"] == {}
    assert (first.pop("spent")["black box"]["calls"], second.pop("spent")) == (first["usage"]["calls"], {})
    assert first == second
    assert not Path("b/calls.sqlite").exists()
    code, out, _ = run("calls", store)
    assert code == 0
    assert f"{first['usage']['calls']:,} answers" in out
    assert Path("a/run-id").read_text().strip()[:8] in out
    code, listed, _ = run("calls", "b")  # by the directory of a run that uses it
    assert (code, listed.replace("\n", "")) == (0, out.replace("\n", ""))


def test_calls_command_searches_exports_and_selects_run(run):
    assert run(*SMALL, "--out", "here")[0] == 0
    count = result_of("here")["usage"]["calls"]
    code, out, _ = run("calls", "here", "--grep", "do something")
    assert code == 0
    assert 0 < int(re.search(r"(\d+) calls with 'do something'", out)[1]) < count
    code, out, _ = run("calls", "here", "--export", "all.jsonl")
    assert (code, f"{count} calls written to all.jsonl" in out) == (0, True)
    assert len(Path("all.jsonl").read_text().splitlines()) == count
    identity = Path("here/run-id").read_text().strip()
    code, out, _ = run("calls", "here", "--export", "-", "--run", identity)
    assert (code, len(out.splitlines())) == (0, count)
    code, _, err = run("calls", "here", "--run", "nobody")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run("calls", "nowhere")
    assert (code, "found no file nowhere" in err) == (2, True)


def test_judge_calls_are_counted_and_cached(run, monkeypatch):
    """The judge is a function here; it gives some credit to an answer with the length of the accepted one."""
    Path("grading_judge.py").write_text(
        "import re\n\n\ndef grade(prompt):\n"
        "    accepted, answer = re.findall(r'<(?:accepted answer|answer to grade) \\w+>\\n(.*?)\\n</', prompt)\n"
        "    with open('graded', 'a') as file:\n        file.write('.')\n"
        "    return f'Grade: {10 if answer == accepted else 4 if len(answer) == len(accepted) else 0}'\n"
    )
    judge = ("--metric", "judge", "--judge", "python:grading_judge:grade", "--judge-criteria", "As long as it.")
    code, out, _ = run(*SMALL, *judge, "--out", "here")
    assert code == 0
    result = result_of("here")
    graded = len(Path("graded").read_text())
    assert result["spent"]["judge"]["calls"] == graded > 0
    assert f"{graded} judge calls" in out
    assert 0.4 <= result["test_score"] <= 1
    code, out, _ = run(*SMALL, *judge, "--out", "here")
    assert (code, len(Path("graded").read_text())) == (0, graded)
    Path("here/journal.jsonl").unlink()
    assert run(*SMALL, *judge, "--out", "here")[0] == 0
    assert len(Path("graded").read_text()) == graded
    assert result_of("here") == result


def test_judge_without_grades_gives_score_zero(run):
    code, _, _ = run(*SMALL, "--metric", "judge", "--judge", "scripted:echo", "--out", "here")
    assert (code, result_of("here")["test_score"]) == (0, 0.0)


def test_baseline_has_row_in_summary_and_result(run):
    code, out, _ = run(*SMALL, "--baseline", "count the letters of the word", "--out", "here")
    assert code == 0
    assert re.search(r"^yours +0\.000 \[", out, re.M)
    assert "Your instruction\n  count the letters of the word" in out
    assert result_of("here")["baseline"]["test_score"] == 0.0


def test_dry_run_prints_four_lines_and_a_question_and_leaves_no_trace(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "nobody-asks-for-it")
    before = sorted(Path().iterdir())
    service = ("--writer", "scripted:phrases", "--blackbox", "openai:m", "--base-url", "http://127.0.0.1:9/v1")
    code, out, err = run("run", "--task", "words.jsonl", *service, *PARTS, *QUICK, "--dry-run", "--out", "here")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[:4]] == ["calls", "tokens", "cost", "time"]
    assert "one question, as it is sent:\n  user: Instruction: {instruction}\n\n    Input: " in out
    code, out, _ = run(*SMALL, "--dry-run", "--max-calls", "1")
    assert code == 0
    said = int(re.match(r"calls +([\d,]+)", out)[1].replace(",", ""))
    assert sorted(Path().iterdir()) == before
    assert run(*SMALL, "--out", "here")[0] == 0
    assert abs(said - result_of("here")["usage"]["calls"]) <= 0.2 * said


def test_run_help_shows_all_panels_and_flags(run):
    code, out, _ = run("run", "--help")
    assert code == 0
    for panel in ("Task", "Writer", "Black box", "Scoring", "Budget", "Search", "Hardware", "Parts of the search"):
        assert re.search(rf"─ {panel} ─", out), panel
    for flag in ("--dry-run", "--max-calls", "--max-usd", "--max-time", "--judge", "--racing", "--baseline", "--store"):
        assert flag in out
    code, out, _ = run("calls", "--help")
    assert all(flag in out for flag in ("--export", "--run", "--grep"))


def test_resume_with_damaged_journal_names_line(run):
    assert run("run", "--task", "words.jsonl", *SCRIPTED, *QUICK, "--out", "here")[0] == 0
    content = Path("here/journal.jsonl").read_text().splitlines(keepends=True)
    damaged = [*content[:3], content[3].replace("0.0", "1.0", 1), *content[4:]]
    Path("here/journal.jsonl").write_text("".join(damaged))
    code, _, err = run("resume", "here")
    assert code == 2
    assert "journal.jsonl is damaged at line 4" in err


@pytest.mark.parametrize("limit", [300, 9_000, 60_000])
def test_full_disk_gives_one_sentence_and_run_resumes_later(run, limit):
    """A limit on the size of files simulates the full disk; settings, journal or call store reach it first."""
    arguments = ("run", "--task", "words.jsonl", *SCRIPTED, "--evaluations", "30", "--initial", "10", "--out", "here")

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "instructzero", *arguments]
    process = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("instructzero: ")
    assert run(*arguments)[0] == 0
    assert run(*arguments[:-1], "reference")[0] == 0
    assert Path("here/journal.jsonl").read_bytes() == Path("reference/journal.jsonl").read_bytes()


def test_embedded_black_box_warns_of_unknown_task(run):
    small = ("--evaluations", "1", "--validation", "2", "--test", "2", "--writer", "embedded:writer")
    for task, warned in (("words.jsonl", True), ("antonyms", False)):
        code, _, err = run("run", "--task", task, *small, "--out", task.partition(".")[0])
        assert (code, err.startswith("warning: the embedded black box does not know the task")) == (0, warned)


def test_resume_without_run_is_refused(run):
    code, _, err = run("resume", "nowhere")
    assert code == 2
    assert "expected a run directory" in err


def test_run_directory_in_use_is_refused(run, tmp_path):
    from instructzero.config import make_settings
    from instructzero.records.directory import RunDirectory

    settings = make_settings({"task": str(tmp_path / "words.jsonl"), "writer": "scripted:phrases"})
    with RunDirectory.claim(tmp_path / "here", settings):
        code, _, err = run("run", "--task", "words.jsonl", *SCRIPTED, "--out", "here")
    assert code == 2
    assert "in use by another process" in err


def test_tasks_methods_models_and_doctor_print_lists(run):
    code, out, _ = run("tasks")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines() if not line.startswith(" ")}
    assert rows["first_word_letter"][1:4] == ["exact_match", "150", "150"]
    code, out, _ = run("tasks", "first_word_letter")
    assert "exact_match" in out
    code, out, _ = run("methods")
    assert code == 0
    summaries = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines() if line[:1].isalpha()}
    assert list(summaries) == ["method", *METHODS.names(), "python:module:Class"]
    code, out, _ = run("models")
    assert code == 0
    assert all(form in out for form in ("embedded:writer", "openai:MODEL", "python:module:function"))
    code, out, _ = run("doctor")
    assert code == 0, out
    assert "FAIL" not in out


def test_module_and_script_print_same_help():
    script = Path(sys.executable).with_name("instructzero")
    from_script, from_module = (
        subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
        for command in ([script], [sys.executable, "-m", "instructzero"])
    )
    assert from_script.split() == from_module.replace("python -m instructzero", "instructzero").split()
    assert all(name in from_script for name in ("run", "resume", "calls", "tasks", "methods", "models", "doctor"))


def test_live_display_shows_state_of_run(task_file, scripted, tmp_path):
    from rich.console import Console

    from instructzero.api import run_settings
    from instructzero.calls.prices import Price
    from instructzero.config import make_settings
    from instructzero.progress import LiveProgress

    console = Console(width=100, force_terminal=True, file=io.StringIO(), record=True)
    with LiveProgress(console, {"black box": Price(1.0, 1.0)}) as progress:
        run_settings(make_settings({**scripted, "method": "paper"}), tmp_path / "run", progress)
        console.print(progress.render())
    text = console.export_text()
    assert "12 of 12 evaluations" in text
    assert "calls paid" in text
    assert "$0.00" in text
    assert progress.best[0] in text


def test_printable_removes_control_characters():
    from instructzero.terminal import printable

    assert printable("bold \x1b[1m, back\b, flip \u202e, ü 字 😀") == "bold \ufffd[1m, back\ufffd, flip \ufffd, ü 字 😀"


def test_version_flag_prints_version(run):
    assert run("--version") == (0, f"instructzero {instructzero.__version__}\n", "")


def test_control_characters_in_an_error_do_not_reach_the_terminal(monkeypatch, capsys):
    def fails():
        raise ModelError("expected m, got \x1b[2J\nsecond line")

    monkeypatch.setattr(command_line, "app", fails)
    with pytest.raises(SystemExit):
        command_line.main()
    assert capsys.readouterr().err == "instructzero: expected m, got \N{REPLACEMENT CHARACTER}[2J\nsecond line\n"


def test_line_of_an_error_is_no_longer_than_a_message_with_its_prefix(monkeypatch, capsys):
    def fail():
        raise UserError("\x01" * 100 + "x" * 900).followed_by("y" * 900)

    monkeypatch.setattr(command_line, "app", fail)
    with pytest.raises(SystemExit):
        command_line._call()
    sentence, appendix = capsys.readouterr().err.splitlines()
    assert (len(sentence), len(appendix)) == (LONGEST_MESSAGE, 900)
