"""A search that starts from the user's instructions: what is scored, what it costs, and which instruction wins."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.config import dump_yaml, load_yaml, make_settings
from instructzero.execute import execute
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.history import History
from instructzero.records.journal import Journal
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.registry import METHODS
from instructzero.tasks import Task, get_metric
from instructzero.types import Example
from tests.search.graded import EIGHTHS, RACE, graded, run

LINES = "Take the word.\n\nRules:\n- reverse it\n- write nothing else"
SEEDS = range(20)
SIZES = {"exemplars": 2, "validation": 12, "confirmation": 20, "test": 60}
EXAMPLES = [Example(f"item {number}", ("right",)) for number in range(sum(SIZES.values()))]


def noisy(rates: Mapping[str, float], seed: int) -> ScriptedBlackBox:
    """Answer an instruction's share of the examples right, independently for every instruction, example and seed."""

    def answer(prompt: str) -> str:
        instruction, _, rest = prompt.partition("Instruction: ")[2].partition("\n\nInput: ")
        digest = hashlib.sha256(f"{seed}/{instruction}/{rest}".encode()).digest()
        return "right" if int.from_bytes(digest[:8]) / 2**64 < rates.get(instruction, rates[""]) else "wrong"

    return ScriptedBlackBox(answer)


def constant(prompt: str) -> str:
    """Answer every second example right, whatever the instruction."""
    return "right" if int(prompt.partition("\n\nInput: ")[2].split()[1]) % 2 else "wrong"


def search(folder: Path, box: ScriptedBlackBox, phrases: Sequence[str] = PHRASES, **changes: Any) -> Result:
    """Return the result of a search from the instruction "mine", without a report."""
    settings = {"start": "mine", "method": "uniform", "evaluations": 6, **SIZES, **changes}
    parts, left = {}, list(EXAMPLES)
    for part, size in SIZES.items():
        parts[part], left = tuple(left[:size]), left[size:]
    return execute(
        make_settings({"task": "rows", "writer": "scripted:phrases", "blackbox": "scripted:obey", **settings}),
        folder,
        Observer(),
        task=Task(name="rows", metric=get_metric("exact_match"), **parts),
        writer_model=ScriptedWriter(phrases),
        blackbox=box,
    )


def test_instruction_as_good_as_any_is_kept_for_every_seed(tmp_path: Path) -> None:
    results = [search(tmp_path / str(seed), ScriptedBlackBox(constant), seed=seed) for seed in SEEDS]
    assert [result.instruction for result in results] == ["mine"] * len(SEEDS)
    assert {result.verdict for result in results} == {"Keep yours: no instruction was shown to be better."}


def test_instruction_better_by_a_tenth_is_kept_for_nearly_every_seed(tmp_path: Path) -> None:
    """Some of the others have a higher validation score by chance."""
    rates = {"mine": 0.7, "": 0.6}
    results = [search(tmp_path / str(seed), noisy(rates, seed), seed=seed) for seed in SEEDS]
    assert sum(result.instruction == "mine" for result in results) >= 19
    assert any(max(trial.score for trial in result.trials) > result.starts[0].validation.score for result in results)


def test_much_better_instruction_replaces_the_users(tmp_path: Path) -> None:
    good, rates = "reverse the word", {"reverse the word": 0.95, "mine": 0.5, "": 0.2}
    for seed in range(5):
        box = noisy(rates, seed)
        result = search(tmp_path / str(seed), box, (good, "do something"), seed=seed, evaluations=8)
        assert result.instruction == good
        assert result.challenger == result.best
        test = result.comparisons()["start"]
        assert test.low > 0
        assert result.verdict == (
            f"Switch: the new instruction is better by {test.difference:+.2f} "
            f"[{test.low:+.2f}, {test.high:+.2f}] on 60 test examples."
        )


def test_start_is_the_best_of_several_and_all_are_confirmed_and_tested(tmp_path: Path) -> None:
    box = noisy({"mine": 0.2, "better": 0.9, "": 0.1}, 0)
    result = search(tmp_path / "run", box, start=["mine", "better", "mine"])
    assert [start.instruction for start in result.starts] == ["better", "mine"]
    assert result.instruction == "better"
    assert all(start.confirmation and len(start.confirmation.scores) == 20 for start in result.starts)
    assert all(len(start.test.scores) == 60 for start in result.starts)


def test_verdict_of_a_set_metric_has_the_interval_of_its_own_score(tmp_path: Path) -> None:
    """A start that always gives the commonest label is right on most examples and has a low macro F1."""
    rows = [(f"item {number}", "rare" if number % 4 == 0 else "common") for number in range(len(EXAMPLES))]

    def answer(prompt: str) -> str:
        instruction, _, rest = prompt.partition("Instruction: ")[2].partition("\n\nInput: ")
        number = int(rest.split()[1])
        return "common" if instruction == "mine" or number % 4 else "rare"

    result = instructzero.optimize(
        rows, writer=ScriptedWriter(), blackbox=answer, start="mine", method="uniform", evaluations=4,
        metric="macro_f1", directory=tmp_path / "run", **SIZES,
    )  # fmt: skip
    assert result.instruction != "mine"
    test = result.comparisons()["start"]
    found = f"+0.57 [{test.low:+.2f}, {test.high:+.2f}] on 60 test examples."
    assert result.verdict == f"Switch: the new instruction is better by {found}"


# What is scored, and what it costs


def journal(directory: Path) -> bytes:
    return (directory / "run/journal.jsonl").read_bytes()


def history(directory: Path) -> History:
    return Journal(directory / "run/journal.jsonl", repair=False).history


def graded_with_start(prompt: str) -> str:
    return graded(prompt.replace(LINES, "mine"), EIGHTHS | {"mine": 5})


@pytest.mark.parametrize("method", METHODS.own)
def test_every_method_starts_from_given_instructions_and_resumes_from_any_record(
    scripted: dict[str, Any], tmp_path: Path, method: str
) -> None:
    box = ScriptedBlackBox(obey)
    settings = {"method": method, "start": [LINES, "repeat the word"], "stop_early": False, "evaluations": 8}
    result = run(scripted, tmp_path, box, **settings)
    first, *others = history(tmp_path).rounds
    assert [candidate.proposal.given for candidate in first.planned] == [LINES, "repeat the word"]
    assert all(candidate.proposal.given is None for round_ in others for candidate in round_.candidates)
    assert [trial.instruction for trial in result.trials[:2]] == [LINES, "repeat the word"]
    assert len(result.trials) <= 8
    assert result.instruction == LINES
    assert max(box.calls.values()) == 1
    whole = journal(tmp_path)
    (tmp_path / "run/journal.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:4]))  # one start is scored
    again = ScriptedBlackBox(obey)
    assert run(scripted, tmp_path, again, **settings) == result
    assert journal(tmp_path) == whole
    assert again.calls.total() == 0


@pytest.mark.parametrize("kept", [2, 3, 5, 7, -2, -1])
def test_run_resumes_from_any_record(scripted: dict[str, Any], tmp_path: Path, kept: int) -> None:
    settings = {**RACE, "start": [LINES, "repeat the word"]}
    result = run(scripted, tmp_path, ScriptedBlackBox(graded_with_start), **settings)
    whole = journal(tmp_path)
    (tmp_path / "run/journal.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:kept]))
    again = ScriptedBlackBox(graded_with_start)
    assert run(scripted, tmp_path, again, **settings) == result
    assert journal(tmp_path) == whole
    assert again.calls.total() == 0


@pytest.mark.parametrize("answers", [5, 11, 19, 40])
def test_interrupted_run_ends_with_the_same_journal_and_repeats_no_call(
    scripted: dict[str, Any], tmp_path: Path, answers: int
) -> None:
    whole, calls = ScriptedBlackBox(graded_with_start), Counter[str]()
    settings = {**RACE, "start": [LINES, "repeat the word"], "baseline": "reverse the word"}
    reference = run(scripted, tmp_path / "reference", whole, **settings)
    result = None
    while result is None:
        box = ScriptedBlackBox(graded_with_start, fail_after=answers)
        with suppress(instructzero.EndpointError):
            result = run(scripted, tmp_path / "broken", box, **settings)
        calls += box.calls
    assert result == replace(reference, spent=result.spent)
    assert calls == whole.calls
    assert journal(tmp_path / "broken") == journal(tmp_path / "reference")


def test_given_instruction_never_drops_out_of_a_race(scripted: dict[str, Any], tmp_path: Path) -> None:
    """The writer's instructions do, although they are better."""
    settings = {**RACE, "start": "repeat the word", "finalists": 1, "stop_early": False}
    run(scripted, tmp_path, ScriptedBlackBox(graded), **settings)
    start, *others = history(tmp_path).trials
    assert (start.score, len(start.evaluation.scores)) == (0.0, 8)
    assert min(len(trial.evaluation.scores) for trial in others) < 8


@pytest.mark.parametrize("start", ["do something with the word", "reverse the word", "repeat the word"])
def test_instruction_that_is_known_costs_nothing_more(scripted: dict[str, Any], tmp_path: Path, start: str) -> None:
    """It is the plain instruction, the baseline, or found later."""
    box = ScriptedBlackBox(graded)
    result = run(scripted, tmp_path, box, **{**RACE, "start": start, "baseline": "reverse the word"})
    assert max(box.calls.values()) == 1
    trials = [trial for trial in result.trials if trial.instruction == start]
    paid = [trial.evaluation.usage.calls for trial in trials]
    assert paid[0] == (8 if start == "repeat the word" else 0)
    assert not any(paid[1:])
    assert result.starts[0].instruction == start


def test_start_that_is_the_plain_instruction_and_alone_has_no_challenger(
    scripted: dict[str, Any], tmp_path: Path
) -> None:
    result = run(scripted, tmp_path, ScriptedBlackBox(graded), **{**RACE, "evaluations": 1, "start": PHRASES[-1]})
    assert (result.instruction, result.challenger) == (PHRASES[-1], None)
    assert result.verdict == "Keep yours: no instruction was shown to be better."


def test_text_is_continued_from_a_given_one(scripted: dict[str, Any], tmp_path: Path) -> None:
    """The instruction of the user's is the best, and no phrase of the writer begins like it."""
    run(scripted, tmp_path, ScriptedBlackBox(obey), start=LINES, evaluations=20, stop_early=False)
    rewrites = history(tmp_path).rewrites
    assert any(rewrite.start.startswith("Take") for rewrite in rewrites)


@pytest.mark.parametrize("method", ["instructzero", "reflect"])
def test_writer_behind_an_api_is_asked_to_improve_the_users_instruction(
    scripted: dict[str, Any], tmp_path: Path, method: str
) -> None:
    """It is right on some of the examples; what it got wrong is part of the request."""

    def write(prompt: str) -> str:
        return "<prompt>reverse the word</prompt>" if "alone of five" in prompt else "<prompt>repeat it</prompt>"

    def answer(prompt: str) -> str:
        word = prompt.partition("Input: ")[2].split()[0]
        return obey(prompt) if "alone of five" not in prompt or len(word) == 5 else "nothing"

    settings = {"start": "Reverse words,\nalone of five.", "method": method, "batch": 4, "stop_early": False}
    boxes = {"box": ScriptedBlackBox(answer), "writer": ScriptedBlackBox(write)}
    result = run(scripted, tmp_path, **boxes, **settings)
    assert "reverse the word" in {trial.instruction for trial in result.trials}
    assert any("Reverse words,\nalone of five." in prompt for prompt in boxes["writer"].calls)
    whole = journal(tmp_path)
    (tmp_path / "run/journal.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    again = {"box": ScriptedBlackBox(answer), "writer": ScriptedBlackBox(write)}
    assert run(scripted, tmp_path, **again, **settings) == result
    assert journal(tmp_path) == whole
    assert not any(model.calls for model in again.values())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"evaluations": 1}, "expected at least 2 --evaluations, one for each instruction of --start, got 1"),
        ({"search_calls": 15}, "expected at least 16 --search-calls, which the instructions of --start take on 8"),
        ({"start": ["mine", " \n"]}, "expected a text for --start, got an empty one"),
    ],
)
def test_limits_without_room_for_the_starts_are_refused_before_the_first_call(
    scripted: dict[str, Any], tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    box = ScriptedBlackBox(graded)
    with pytest.raises(instructzero.ConfigurationError, match=said):
        run(scripted, tmp_path, box, **{**RACE, "start": ["mine", "repeat the word"], **settings})
    assert box.calls.total() == 0


def test_limit_of_calls_that_ends_within_the_starts_is_said_and_a_higher_one_continues(
    scripted: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**RACE, "start": [LINES, "repeat the word"]}
    reference, box = ScriptedBlackBox(graded_with_start), ScriptedBlackBox(graded_with_start)
    run(scripted, tmp_path / "reference", reference, **settings)
    with pytest.raises(instructzero.BudgetExhausted, match="12 calls"):
        run(scripted, tmp_path, box, **settings, max_calls=12)
    assert box.calls.total() == 12
    run(scripted, tmp_path, box, **settings)
    assert box.calls == reference.calls
    assert journal(tmp_path) == journal(tmp_path / "reference")


@pytest.mark.parametrize("limit", [70, 90, 120])
def test_limit_of_calls_leaves_room_for_the_confirmation_and_the_test_of_the_starts(
    scripted: dict[str, Any], tmp_path: Path, limit: int
) -> None:
    box = ScriptedBlackBox(graded_with_start)
    settings = {**RACE, "start": [LINES, "repeat the word"], "max_calls": limit, "evaluations": 100}
    result = run(scripted, tmp_path, box, **settings)
    assert box.calls.total() <= limit
    assert len(result.starts) == 2
    assert all(start.confirmation for start in result.starts)


def test_calls_for_the_starts_count_in_the_limit_of_the_search(scripted: dict[str, Any], tmp_path: Path) -> None:
    run(scripted, tmp_path, ScriptedBlackBox(graded_with_start), **{**RACE, "start": LINES, "search_calls": 20})
    assert 8 <= history(tmp_path).search_usage().calls <= 20


# Where the instructions come from, and where they are kept


def test_line_breaks_stay_in_journal_result_and_instruction_file(scripted: dict[str, Any], tmp_path: Path) -> None:
    asked = ScriptedBlackBox(obey)
    result = run(scripted, tmp_path, asked, start=LINES)
    assert any(f"Instruction: {LINES}\n\nInput: " in prompt for prompt in asked.calls)
    assert (tmp_path / "run/instruction.txt").read_text() == LINES + "\n"
    written = json.loads((tmp_path / "run/result.json").read_text())
    assert written["instruction"] == written["starts"][0]["instruction"] == LINES == result.instruction
    assert written["verdict"] == result.verdict
    assert history(tmp_path).trials[0].proposal.given == LINES


@pytest.mark.parametrize("given", [("mine",), ["mine"], "mine"])
def test_start_is_a_text_a_list_or_a_tuple(given: object) -> None:
    assert make_settings({"task": "antonyms", "start": given}).start == ("mine",)


def test_start_of_a_yaml_file_is_a_text_or_a_list_and_survives_the_run_directory(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("task: antonyms\nstart:\n- |-\n  Two\n  lines.\n- Another.\n- Another.\n")
    settings = make_settings(load_yaml(path))
    assert settings.start == ("Two\nlines.", "Another.")
    path.write_text(dump_yaml(settings))
    assert make_settings(load_yaml(path)) == settings
    path.write_text("task: antonyms\nstart: Mine.\n")
    assert make_settings(load_yaml(path)).start == ("Mine.",)


def test_flag_may_be_repeated_and_a_file_may_hold_several(
    command_line: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text(f"{LINES}\n---\nrepeat the word\n")
    flags = ["--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--evaluations", "8"]
    code, out, err = command_line(
        *["run", "--task", "words.jsonl", "--out", "run", "--start", "prompts.txt", "--start", "count the letters"],
        *flags,
    )
    assert (code, err) == (0, "")
    given = [candidate.proposal.given for candidate in history(tmp_path).rounds[0].planned]
    assert given == [LINES, "repeat the word", "count the letters"]
    assert "Keep yours: no instruction was shown to be better." in out
    assert "\n  Rules:\n  - reverse it\n" in out


def test_other_start_in_the_same_directory_is_another_run(scripted: dict[str, Any], tmp_path: Path) -> None:
    run(scripted, tmp_path, start="mine")
    with pytest.raises(instructzero.ConfigurationError, match="start"):
        run(scripted, tmp_path, start="another")
