"""The search: what is scored, what is free, and what wins."""

import json
from collections import Counter
from dataclasses import replace

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.optimizers import Uniform
from instructzero.records.journal import Journal
from instructzero.registry import METHODS
from instructzero.types import Example
from tests.search.graded import RACE, graded, run


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


def test_plain_instruction_wins_ties_and_if_it_is_better(scripted, tmp_path):
    result = run(scripted, tmp_path, ScriptedBlackBox(lambda prompt: "nothing"))
    assert result.instruction == result.plain.instruction
    only_plain = ScriptedBlackBox(lambda prompt: obey("Reverse.\n" + prompt) if "do something" in prompt else "")
    best = run(scripted, tmp_path / "plain", only_plain, continued=0.0)
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
    writer, box = ScriptedWriter(("",) * len(PHRASES) + PHRASES), ScriptedBlackBox(obey)
    settings = {"writer": writer, "method": method, "stop_early": False}
    result = run(scripted, tmp_path, box, **settings)
    path = tmp_path / "run/journal.jsonl"
    rounds = Journal(path).history.rounds
    assert "" in {candidate.instruction for round_ in rounds for candidate in round_.candidates}
    assert result.trials
    assert all(trial.instruction for trial in result.trials)
    assert not any(prompt.startswith("Instruction: \n") for prompt in box.calls)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    assert run(scripted, tmp_path, **settings) == result
    assert path.read_bytes() == whole


@pytest.mark.parametrize("method", METHODS.own)
def test_search_ends_when_writer_writes_nothing(scripted, tmp_path, method):
    result = run(scripted, tmp_path, writer=Silent(), method=method)
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
    settings = {"writer": ScriptedWriter(), "blackbox": obey, "evaluations": 10, "initial": 10}
    result = instructzero.optimize(pairs, directory=tmp_path / "run", **settings)
    assert result.test_score == 1.0
    exemplars = [Example(word, (answer,)) for word, answer in pairs]
    with pytest.raises(instructzero.ConfigurationError, match="were Python objects; continue it with"):
        instructzero.resume(tmp_path / "run")
    assert instructzero.optimize(exemplars, directory=tmp_path / "run", **settings) == result


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


# Races and the final selection


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


class Partial(instructzero.Optimizer):
    """Proposes random points, and has only texts about the word's letters scored on more than the first examples."""

    def __init__(self, *, dimension, seed, batch=4):
        self._points = Uniform(dimension=dimension, seed=seed, batch=batch)

    def ask(self, limit):
        return self._points.ask(limit)

    def tell(self, trials, unpaid=()):
        self._points.tell(trials, unpaid)

    def promising(self, results, places):
        return [text for text in results if "letter" in text]


def test_method_decides_which_texts_are_scored_further(scripted, tmp_path):
    settings = {**RACE, "method": f"python:{__name__}:Partial", "evaluations": 24, "stop_early": False}
    result = run(scripted, tmp_path, ScriptedBlackBox(graded), **settings)
    sizes = {trial.instruction: len(trial.evaluation.scores) for trial in result.trials}
    assert {"letter" in text for text in sizes} == {True, False}
    plain = result.plain.instruction
    assert all((size == 8) == ("letter" in text) for text, size in sizes.items() if text != plain)
    whole = journal(tmp_path / "run")
    (tmp_path / "run/journal.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))
    again = ScriptedBlackBox(graded)
    assert run(scripted, tmp_path, again, **settings) == result
    assert journal(tmp_path / "run") == whole
    assert again.calls.total() == 0


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


def test_runs_with_shared_store_pay_once(scripted, tmp_path):
    boxes = [ScriptedBlackBox(graded) for _ in range(2)]
    results = [
        run(scripted, tmp_path / name, box, store=tmp_path / "shared.sqlite", **RACE)
        for name, box in zip("ab", boxes, strict=True)
    ]
    assert boxes[1].calls.total() == 0
    assert results[1] == replace(results[0], spent={})
    assert results[0].spent["black box"].calls == boxes[0].calls.total()
