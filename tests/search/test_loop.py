"""The search: what is scored, what is free, and what wins."""

import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.journal import Journal
from instructzero.registry import METHODS
from instructzero.types import Example


def run(scripted, tmp_path, box=None, **changes):
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")} | changes
    return instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=box or ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        **settings,
    )


@pytest.mark.parametrize("method", ["instructzero", "paper", "uniform"])
def test_search_finds_better_instruction_than_plain(scripted, tmp_path, method):
    result = run(scripted, tmp_path, method=method)
    assert result.instruction in ("reverse the word", "spell the word backwards")
    assert (result.validation_score, result.test_score) == (1.0, 1.0)
    assert (result.plain.validation.mean, result.plain.test.mean) == (0.0, 0.0)


@pytest.mark.parametrize("method", METHODS.own)
def test_every_method_runs_and_resumes_from_any_record(scripted, tmp_path, method):
    box = ScriptedBlackBox(obey)
    result = run(scripted, tmp_path, box, method=method)
    scored = [*(trial.evaluation for trial in result.trials), result.plain.validation]
    assert result.validation_score == max(each.mean for each in scored)
    assert max(box.calls.values()) == 1
    path = tmp_path / "run/journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    again = ScriptedBlackBox(obey)
    assert run(scripted, tmp_path, again, method=method) == result
    assert path.read_bytes() == whole
    assert again.calls.total() == 0


def test_repeated_instruction_is_paid_once(scripted, tmp_path):
    box = ScriptedBlackBox(obey)
    result = run(scripted, tmp_path, box, evaluations=40, batch=10, racing=False)
    assert max(box.calls.values()) == 1
    validation, test = len(result.best.validation.scores), len(result.best.test.scores)
    distinct = result.distinct_instructions + 1 - (result.plain.instruction in {t.instruction for t in result.trials})
    assert box.calls.total() == distinct * validation + 2 * test == result.usage.calls


def test_trials_score_the_same_examples_in_the_same_order(scripted, tmp_path):
    result = run(scripted, tmp_path, evaluations=20, racing=False)
    by_text = {}
    for trial in result.trials:
        assert by_text.setdefault(trial.instruction, trial.evaluation.predictions) == trial.evaluation.predictions
    reverse = by_text.get("reverse the word") or by_text["spell the word backwards"]
    assert [text[::-1] for text in reverse] == list(by_text["repeat the word"])


def test_earliest_of_equals_wins_and_plain_only_if_better(scripted, tmp_path):
    result = run(scripted, tmp_path, ScriptedBlackBox(lambda prompt: "nothing"))
    assert result.instruction == result.trials[0].instruction
    only_plain = ScriptedBlackBox(lambda prompt: obey("Reverse.\n" + prompt) if "do something" in prompt else "")
    best = run(scripted, tmp_path / "plain", only_plain)
    assert best.instruction == "do something with the word" == best.plain.instruction


@pytest.mark.parametrize(("evaluations", "rounds"), [(1, [1]), (5, [4, 1]), (13, [4, 4, 4, 1])])
def test_search_makes_exactly_the_evaluations_set(scripted, tmp_path, evaluations, rounds):
    result = run(scripted, tmp_path, evaluations=evaluations, method="paper")
    numbers = [trial.round for trial in result.trials]
    assert [numbers.count(number) for number in range(len(rounds))] == rounds
    assert [trial.number for trial in result.trials] == list(range(evaluations))


def test_search_stops_when_writer_repeats_itself(scripted, tmp_path):
    """The scripted writer knows eight phrases; every phrase is paid for once, and then none is left."""
    settings = {"evaluations": 40, "method": "instructzero", "continued": 0.0, "stop_early": False}
    result = run(scripted, tmp_path, **settings)
    texts = [trial.instruction for trial in result.trials]
    assert len(set(texts)) == len(texts) <= 8
    rounds = Journal(tmp_path / "run" / "journal.jsonl").history.rounds
    assert [len(each.chosen) for each in rounds[-3:]] == [0, 0, 0]
    assert run(scripted, tmp_path, **settings) == result


class Silent(ScriptedWriter):
    """Writes nothing for a soft prompt."""

    def generate(self, soft_prompts, before, after, **options):
        texts = super().generate(soft_prompts, before, after, **options)
        return texts if soft_prompts is None else [""] * len(texts)


@pytest.mark.parametrize("method", METHODS.own)
def test_empty_instruction_is_never_evaluated(scripted, tmp_path, method):
    settings = {name: scripted[name] for name in ("evaluations", "initial", "batch")}
    arguments = {"directory": tmp_path / "run", "method": method, "stop_early": False, **settings}
    arguments["writer"] = ScriptedWriter(("",) * len(PHRASES) + PHRASES)
    box = ScriptedBlackBox(obey)
    result = instructzero.optimize(scripted["task"], blackbox=box, **arguments)
    path = tmp_path / "run/journal.jsonl"
    rounds = Journal(path).history.rounds
    assert "" in {candidate.instruction for round_ in rounds for candidate in round_.candidates}
    assert result.trials
    assert all(trial.instruction for trial in result.trials)
    assert not any(prompt.startswith("Instruction: \n") for prompt in box.calls)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    assert instructzero.optimize(scripted["task"], blackbox=ScriptedBlackBox(obey), **arguments) == result
    assert path.read_bytes() == whole


@pytest.mark.parametrize("method", METHODS.own)
def test_search_ends_when_writer_writes_nothing(scripted, tmp_path, method):
    settings = {name: scripted[name] for name in ("evaluations", "initial", "batch")}
    result = instructzero.optimize(
        scripted["task"],
        writer=Silent(),
        blackbox=ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        method=method,
        **settings,
    )
    assert (result.trials, result.instruction) == ((), result.plain.instruction)


def test_run_directory_holds_all_files(scripted, tmp_path):
    result = run(scripted, tmp_path)
    directory = tmp_path / "run"
    assert {"settings.yaml", "journal.jsonl", "calls.sqlite", "result.json", "instruction.txt"} <= {
        path.name for path in directory.iterdir()
    }
    assert (directory / "instruction.txt").read_text() == result.instruction + "\n"
    written = json.loads((directory / "result.json").read_text())
    assert written == result.to_dict()
    assert written["usage"]["calls"] == result.usage.calls


def test_resume_needs_only_the_directory(scripted, tmp_path):
    first = instructzero.optimize(directory=tmp_path / "run", **scripted)
    assert instructzero.resume(tmp_path / "run") == first


def test_optimize_accepts_pairs_and_a_function(tmp_path):
    pairs = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay".split()]
    result = instructzero.optimize(
        pairs, writer=ScriptedWriter(), blackbox=obey, directory=tmp_path / "run", evaluations=10, initial=10
    )
    assert result.test_score == 1.0
    exemplars = [Example(word, (answer,)) for word, answer in pairs]
    with pytest.raises(instructzero.ConfigurationError, match="were Python objects; continue it with"):
        instructzero.resume(tmp_path / "run")
    again = instructzero.optimize(
        exemplars, writer=ScriptedWriter(), blackbox=obey, directory=tmp_path / "run", evaluations=10, initial=10
    )
    assert again == result


def test_observer_receives_all_events_and_changes_nothing(scripted, tmp_path):
    class Listener(instructzero.Observer):
        def __init__(self):
            self.received = []

        def run_started(self, plan):
            self.received.append("start")

        def answered(self, completion, cached):
            self.received.append("answer")

        def trial_finished(self, trial):
            self.received.append("trial")

        def run_finished(self):
            self.received.append("end")

    listener = Listener()
    result = run(scripted, tmp_path, observer=listener, method="paper")
    assert result == run(scripted, tmp_path / "silent", method="paper")
    assert (listener.received[0], listener.received[-1]) == ("start", "end")
    assert listener.received.count("trial") == 12
    assert listener.received.count("answer") == result.usage.calls


# Races, the final selection, and limits


EIGHTHS = dict(zip(PHRASES, (2, 1, 6, 7, 8, 4, 0, 3), strict=True))


def graded(prompt, eighths=EIGHTHS):
    """Answer a share of the words right that depends on the instruction, always the same words."""
    instruction, _, text = prompt.partition("Instruction: ")[2].partition("\n")
    word = text.partition("Input: ")[2].split()[0]
    luck = int(hashlib.sha256(f"{instruction}/{word}".encode()).hexdigest(), 16) % 8
    return word[::-1] if luck < eighths[instruction] else "nothing"


PARTS = {"exemplars": 2, "validation": 8, "test": 4, "confirmation": 6}
RACE = {**PARTS, "method": "uniform", "racing": True, "evaluations": 12, "batch": 4, "initial": None, "seed": 2}
REFERENCE, END = 8, 10
"""The calls of the smallest run: the plain instruction on validation, then on confirmation and test."""


class Reasons(instructzero.Observer):
    def __init__(self):
        self.received = []

    def search_stopped(self, reason):
        self.received.append(reason)


def journal(directory):
    return (directory / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("method", ["uniform", "instructzero"])
def test_race_finds_same_winner_with_fewer_calls(scripted, tmp_path, method):
    raced, whole = ScriptedBlackBox(graded), ScriptedBlackBox(graded)
    settings = {**RACE, "method": method, "initial": 4, "stop_early": False}
    if method == "instructzero":
        settings["continued"] = 0.0  # there are eight texts, and both searches find all of them
    first = run(scripted, tmp_path / "raced", raced, **settings)
    second = run(scripted, tmp_path / "whole", whole, **{**settings, "racing": False})
    assert first.instruction == second.instruction
    assert raced.calls.total() < whole.calls.total()
    assert {len(trial.evaluation.scores) for trial in second.trials} == {8}
    assert min(len(trial.evaluation.scores) for trial in first.trials) < 8
    assert max(raced.calls.values()) == 1


def test_winner_of_race_has_complete_scores(scripted, tmp_path):
    result = run(scripted, tmp_path, ScriptedBlackBox(graded), **RACE)
    sizes = [len(part.scores) for part in (result.best.validation, result.best.confirmation, result.best.test)]
    assert sizes == [8, 6, 4]
    assert any(len(trial.evaluation.scores) < 8 for trial in result.trials)


@pytest.mark.parametrize("answers", [2, 5, 11, 19, 40])
def test_interrupted_race_ends_with_same_journal(scripted, tmp_path, answers):
    whole, calls = ScriptedBlackBox(graded), Counter()
    settings = {**RACE, "baseline": "reverse the word"}
    reference = run(scripted, tmp_path / "reference", whole, **settings)
    for _ in range(whole.calls.total()):
        box = ScriptedBlackBox(graded, fail_after=answers)
        try:
            result = run(scripted, tmp_path / "broken", box, **settings)
        except instructzero.EndpointError:
            calls += box.calls
            continue
        calls += box.calls
        break
    assert result == replace(reference, spent=result.spent)
    assert calls == whole.calls
    assert result.spent == reference.spent
    assert journal(tmp_path / "broken/run") == journal(tmp_path / "reference/run")


def test_baseline_is_scored_tested_and_compared(scripted, tmp_path):
    box = ScriptedBlackBox(graded)
    result = run(scripted, tmp_path, box, **{**RACE, "baseline": "count the letters of the word"})
    assert result.baseline.instruction == "count the letters of the word"
    assert len(result.baseline.validation.scores) == 8
    assert len(result.baseline.test.scores) == 4
    assert "baseline" in result.comparisons() or result.instruction == result.baseline.instruction


def test_baseline_equal_to_plain_costs_nothing_more(scripted, tmp_path):
    without, with_baseline = ScriptedBlackBox(graded), ScriptedBlackBox(graded)
    first = run(scripted, tmp_path / "without", without, **RACE)
    second = run(scripted, tmp_path / "with", with_baseline, **{**RACE, "baseline": "do something with the word"})
    assert with_baseline.calls == without.calls
    assert second.usage == first.usage
    assert second.baseline == second.plain == first.plain


def test_baseline_written_by_the_writer_is_paid_once(scripted, tmp_path):
    box = ScriptedBlackBox(graded)
    result = run(scripted, tmp_path, box, **{**RACE, "baseline": "repeat the word"})
    again = [trial for trial in result.trials if trial.instruction == "repeat the word"]
    assert again
    assert all(trial.evaluation.usage.calls == 0 for trial in again)
    assert max(box.calls.values()) == 1


def test_length_penalty_decides_the_winner(scripted, tmp_path):
    """All instructions are right on all examples; the shortest has the smallest penalty."""
    always = ScriptedBlackBox(lambda prompt: prompt.rpartition("Input: ")[2].split()[0][::-1])
    result = run(scripted, tmp_path, always, **{**RACE, "length_penalty": 0.5})
    assert result.instruction == min((trial.instruction for trial in result.trials), key=len)


@pytest.mark.parametrize("racing", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 8, 17, 18, 19, 41, 45, 52, 60, 70, 79, 10_000])
def test_limit_of_calls_is_kept_and_higher_limit_continues(scripted, tmp_path, limit, racing):
    settings = {**RACE, "racing": racing}
    first, second, reasons = ScriptedBlackBox(graded), ScriptedBlackBox(graded), Reasons()
    if limit < REFERENCE + END:
        with pytest.raises(instructzero.InstructZeroError, match=f"limit of {limit} calls .*raise --max-calls"):
            run(scripted, tmp_path, first, max_calls=limit, **settings)
    else:
        result = run(scripted, tmp_path, first, max_calls=limit, observer=reasons, **settings)
        assert len(result.best.test.scores) == 4
        assert result.spent["black box"].calls == first.calls.total()
        stopped = len(result.trials) < 12
        assert len(reasons.received) == stopped
        assert stopped or limit > 60
        assert all(f"limit of {limit} calls" in each and "--max-calls" in each for each in reasons.received)
    assert first.calls.total() <= limit
    whole = run(scripted, tmp_path, second, max_calls=20_000, **settings)
    assert len(whole.trials) == 12
    assert max((first.calls + second.calls).values()) == 1
    unbroken = run(scripted, tmp_path / "unbroken", ScriptedBlackBox(graded), **settings)
    assert whole.trials == unbroken.trials
    assert whole.instruction == unbroken.instruction


@pytest.mark.parametrize("limit", [5, 60, 100, 120, 1_000])
def test_limit_of_calls_counts_judge_calls(scripted, tmp_path, limit):
    """The grades cannot be read, so every answer scores 0; only the calls matter here."""
    box, reasons = ScriptedBlackBox(graded), Reasons()
    settings = {**RACE, "metric": "judge", "judge": "scripted:echo", "max_calls": limit}
    if limit < 2 * (REFERENCE + END):
        with pytest.raises(instructzero.InstructZeroError, match=f"limit of {limit} calls"):
            run(scripted, tmp_path, box, observer=reasons, **settings)
    else:
        result = run(scripted, tmp_path, box, observer=reasons, **settings)
        assert sum(usage.calls for usage in result.spent.values()) <= limit
        assert result.spent["judge"].calls <= result.spent["black box"].calls
        assert len(result.best.test.scores) == 4
        assert len(reasons.received) == (len(result.trials) < 12)
    assert box.calls.total() <= limit


def test_second_run_with_same_limit_asks_nothing(scripted, tmp_path):
    first = run(scripted, tmp_path, ScriptedBlackBox(graded), max_calls=60, **RACE)
    box = ScriptedBlackBox(graded)
    assert run(scripted, tmp_path, box, max_calls=60, **RACE) == first
    assert box.calls.total() == 0


def test_complete_instruction_of_stopped_race_may_win(scripted, tmp_path):
    """The search has 15 calls: enough for a first look at four instructions, and for the rest of the leader."""

    def close(prompt):
        return graded(prompt, {**dict.fromkeys(PHRASES, 5), PHRASES[-1]: 2})

    result = run(scripted, tmp_path, ScriptedBlackBox(close), max_calls=55, **RACE)
    (leader,) = Journal(tmp_path / "run/journal.jsonl").history.cut_short
    assert result.trials == ()
    assert result.instruction == leader != result.plain.instruction
    whole = run(scripted, tmp_path, ScriptedBlackBox(close), **RACE)
    unbroken = run(scripted, tmp_path / "unbroken", ScriptedBlackBox(close), **RACE)
    assert (whole.trials, whole.best) == (unbroken.trials, unbroken.best)


def test_limit_of_time_raises_one_sentence(scripted, tmp_path):
    with pytest.raises(instructzero.InstructZeroError, match=r"seconds is reached.*raise --max-time"):
        run(scripted, tmp_path, ScriptedBlackBox(graded), max_time=1e-9, **RACE)


def test_limit_in_dollars_without_price_is_refused(scripted, tmp_path):
    box = ScriptedBlackBox(graded)
    with pytest.raises(instructzero.ConfigurationError, match="price of the black box is not known"):
        run(scripted, tmp_path, box, max_usd=1.0, **RACE)
    assert box.calls.total() == 0


def test_limit_in_dollars_is_kept(scripted, tmp_path):
    """One dollar per prompt token; a prompt of the scripted black box has about nine tokens."""
    prices = {"input_price": 1e6, "output_price": 0.0}
    box, reasons = ScriptedBlackBox(graded), Reasons()
    result = run(scripted, tmp_path, box, max_usd=700.0, observer=reasons, **prices, **RACE)
    assert 100 < result.spent["black box"].prompt_tokens <= 700
    assert "limit of $700" in reasons.received[0]
    assert len(result.trials) < 12
    assert len(result.best.test.scores) == 4


@pytest.mark.parametrize("limit", [100, 400, 500, 600, 700, 800, 5_000])
def test_limit_of_tokens_is_kept_with_room_for_final_test(scripted, tmp_path, limit):
    """A prompt has about nine tokens; its bound, before it is asked, is about two hundred."""
    box, reasons = ScriptedBlackBox(graded), Reasons()
    settings = {**RACE, "answer_tokens": 5, "max_tokens": limit}
    if limit < 400:
        with pytest.raises(instructzero.InstructZeroError, match=r"leaves no room .* raise --max-tokens"):
            run(scripted, tmp_path, box, **settings)
        assert box.calls.total() == 0
        return
    result = run(scripted, tmp_path, box, observer=reasons, **settings)
    spent = result.spent["black box"]
    assert spent.prompt_tokens + spent.completion_tokens <= limit
    assert len(reasons.received) == (len(result.trials) < 12)
    assert len(result.best.test.scores) == 4


def test_runs_with_shared_store_pay_once(scripted, tmp_path):
    boxes = [ScriptedBlackBox(graded) for _ in range(2)]
    results = [
        run(scripted, tmp_path / name, box, store=tmp_path / "shared.sqlite", **RACE)
        for name, box in zip("ab", boxes, strict=True)
    ]
    assert boxes[1].calls.total() == 0
    assert results[1] == replace(results[0], spent={})
    assert results[0].spent["black box"].calls == boxes[0].calls.total()
