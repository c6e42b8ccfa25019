"""The search: what is scored, what is free, what wins."""

import json

import pytest

import instructzero
from instructzero.journal import Journal
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.types import Exemplar


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
def test_finds_an_instruction_that_beats_the_plain_one(scripted, tmp_path, method):
    result = run(scripted, tmp_path, method=method)
    assert result.instruction in ("reverse the word", "spell the word backwards")
    assert (result.validation_score, result.test_score) == (1.0, 1.0)
    assert (result.plain.validation.mean, result.plain.test.mean) == (0.0, 0.0)


def test_each_instruction_is_paid_once(scripted, tmp_path):
    box = ScriptedBlackBox(obey)
    result = run(scripted, tmp_path, box, evaluations=40, batch=10)
    assert max(box.calls.values()) == 1
    validation, test = len(result.best.validation.scores), len(result.best.test.scores)
    distinct = result.distinct_instructions + 1 - (result.plain.instruction in {t.instruction for t in result.trials})
    assert box.calls.total() == distinct * validation + 2 * test == result.usage.calls


def test_scores_are_aligned_with_the_same_examples_in_every_trial(scripted, tmp_path):
    result = run(scripted, tmp_path, evaluations=20)
    by_text = {}
    for trial in result.trials:
        assert by_text.setdefault(trial.instruction, trial.evaluation.predictions) == trial.evaluation.predictions
    reverse = by_text.get("reverse the word") or by_text["spell the word backwards"]
    assert [text[::-1] for text in reverse] == list(by_text["repeat the word"])


def test_the_first_of_equals_wins_and_the_plain_instruction_only_when_better(scripted, tmp_path):
    result = run(scripted, tmp_path, ScriptedBlackBox(lambda prompt: "nothing"))
    assert result.instruction == result.trials[0].instruction
    only_plain = ScriptedBlackBox(lambda prompt: obey("Reverse.\n" + prompt) if "do something" in prompt else "")
    best = run(scripted, tmp_path / "plain", only_plain)
    assert best.instruction == "do something with the word" == best.plain.instruction


@pytest.mark.parametrize(("evaluations", "rounds"), [(1, [1]), (5, [4, 1]), (13, [4, 4, 4, 1])])
def test_the_budget_is_met_exactly(scripted, tmp_path, evaluations, rounds):
    result = run(scripted, tmp_path, evaluations=evaluations, method="paper")
    numbers = [trial.round for trial in result.trials]
    assert [numbers.count(number) for number in range(len(rounds))] == rounds
    assert [trial.number for trial in result.trials] == list(range(evaluations))


def test_the_search_ends_when_the_writer_has_nothing_new_to_say(scripted, tmp_path):
    """The scripted writer knows eight phrases: each is paid for once, and then there is no other to pay for."""
    result = run(scripted, tmp_path, evaluations=40, method="instructzero")
    texts = [trial.instruction for trial in result.trials]
    assert len(set(texts)) == len(texts) <= 8
    rounds = Journal(tmp_path / "run" / "journal.jsonl").history.rounds
    assert [len(each.chosen) for each in rounds[-3:]] == [0, 0, 0]
    assert run(scripted, tmp_path, evaluations=40, method="instructzero") == result


def test_the_run_directory_holds_everything(scripted, tmp_path):
    result = run(scripted, tmp_path)
    directory = tmp_path / "run"
    assert {"settings.yaml", "journal.jsonl", "calls.sqlite", "result.json", "instruction.txt"} <= {
        path.name for path in directory.iterdir()
    }
    assert (directory / "instruction.txt").read_text() == result.instruction + "\n"
    written = json.loads((directory / "result.json").read_text())
    assert written == result.to_dict()
    assert written["usage"]["calls"] == result.usage.calls


def test_resume_by_name_needs_only_the_directory(scripted, tmp_path):
    first = instructzero.optimize(directory=tmp_path / "run", **scripted)
    assert instructzero.resume(tmp_path / "run") == first


def test_pairs_and_a_plain_function_are_enough(tmp_path):
    pairs = [(word, word[::-1]) for word in "ape bee cat dog eel fox gnu hen ibex jay".split()]
    result = instructzero.optimize(
        pairs, writer=ScriptedWriter(), blackbox=obey, directory=tmp_path / "run", evaluations=10, initial=10
    )
    assert result.test_score == 1.0
    exemplars = [Exemplar(word, (answer,)) for word, answer in pairs]
    with pytest.raises(instructzero.ConfigurationError, match="were Python objects; continue it with"):
        instructzero.resume(tmp_path / "run")
    again = instructzero.optimize(
        exemplars, writer=ScriptedWriter(), blackbox=obey, directory=tmp_path / "run", evaluations=10, initial=10
    )
    assert again == result


def test_an_observer_hears_everything_and_changes_nothing(scripted, tmp_path):
    class Listener(instructzero.Observer):
        def __init__(self):
            self.heard = []

        def run_started(self, plan):
            self.heard.append("start")

        def answered(self, completion, cached):
            self.heard.append("answer")

        def trial_finished(self, trial):
            self.heard.append("trial")

        def run_finished(self):
            self.heard.append("end")

    listener = Listener()
    result = run(scripted, tmp_path, observer=listener, method="paper")
    assert result == run(scripted, tmp_path / "silent", method="paper")
    assert (listener.heard[0], listener.heard[-1]) == ("start", "end")
    assert listener.heard.count("trial") == 12
    assert listener.heard.count("answer") == result.usage.calls
