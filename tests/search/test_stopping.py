"""A search stops when no later instruction can win."""

import pytest

import instructzero
from instructzero.config import make_settings
from instructzero.models.scripted import PHRASES, ScriptedBlackBox, ScriptedWriter, obey
from instructzero.optimizers.registry import stops_early
from instructzero.registry import METHODS
from instructzero.report.source import read_source
from instructzero.report.statements import ending

ENDINGS = ("", ", please", " once", " now", ".")
SIZES = {"exemplars": 2, "validation": 6, "confirmation": 5, "test": 4, "evaluations": 24, "initial": 4, "batch": 3}


class Reasons(instructzero.Observer):
    def __init__(self):
        self.received = []

    def search_stopped(self, reason):
        self.received.append(reason)


def run(scripted, folder, observer=None, **changes):
    return instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter([f"{phrase}{ending}" for ending in ENDINGS for phrase in PHRASES]),
        blackbox=ScriptedBlackBox(obey),
        directory=folder,
        observer=observer,
        **{**SIZES, **changes},
    )


def perfect(result):
    """Return the number of texts that have every validation example right."""
    whole = len(result.best.validation.scores)
    return len({each.instruction for each in result.trials if each.evaluation.scores == (1.0,) * whole})


@pytest.mark.parametrize("racing", [False, True])
@pytest.mark.parametrize("method", ["instructzero", "uniform", "ape", "capo"])
def test_early_stop_has_winner_of_whole_search(scripted, tmp_path, method, racing):
    early = run(scripted, tmp_path / "early", method=method, racing=racing)
    whole = run(scripted, tmp_path / "whole", method=method, racing=racing, stop_early=False)
    assert early.trials == whole.trials[: len(early.trials)]
    assert len(early.trials) < len(whole.trials)
    assert early.best == whole.best


@pytest.mark.parametrize(("changes", "enough"), [({}, 3), ({"finalists": 2}, 2), ({"confirmation": 0}, 1)])
def test_early_stop_needs_as_many_perfect_texts_as_contenders(scripted, tmp_path, changes, enough):
    result = run(scripted, tmp_path, **changes)
    last = max(each.round for each in result.trials)
    before = [each for each in result.trials if each.round < last and set(each.evaluation.scores) == {1.0}]
    assert len({each.instruction for each in before}) < enough <= perfect(result)


def test_length_penalty_prevents_early_stop(scripted, tmp_path):
    result = run(scripted, tmp_path, length_penalty=0.01)
    assert len(result.trials) == SIZES["evaluations"]
    assert perfect(result) >= 3


def test_early_stop_reports_its_reason(scripted, tmp_path):
    reasons = Reasons()
    result = run(scripted, tmp_path, reasons)
    (reason,) = reasons.received
    assert reason.startswith(f"{perfect(result)} instructions have every validation example right, and no later ")


def test_search_without_new_texts_reports_its_reason(scripted, tmp_path):
    reasons = Reasons()
    instructzero.optimize(
        scripted["task"], writer=ScriptedWriter(["please wait"]), blackbox=ScriptedBlackBox(obey), directory=tmp_path,
        observer=reasons, **SIZES,
    )  # fmt: skip
    assert reasons.received == ["the writer produced no new instructions"]


@pytest.mark.parametrize("changes", [{}, {"finalists": 2}, {"confirmation": 0}])
def test_report_names_reason_of_early_stop(scripted, tmp_path, changes):
    reasons = Reasons()
    run(scripted, tmp_path, reasons, **changes)
    (reason,) = reasons.received
    assert ending(read_source(tmp_path)).endswith(f" evaluations: {reason}.")


@pytest.mark.parametrize("changes", [{"max_calls": 45}, {"max_calls": 100, "stop_early": False}])
def test_report_does_not_confuse_limit_with_early_stop(scripted, tmp_path, changes):
    reasons = Reasons()
    run(scripted, tmp_path, reasons, **changes)
    (reason,) = reasons.received
    assert f"the limit of {changes['max_calls']} calls" in reason
    assert ending(read_source(tmp_path)).endswith("a limit of calls, tokens, dollars or time was reached.")


def test_second_run_after_early_stop_asks_nothing(scripted, tmp_path):
    assert run(scripted, tmp_path) == run(scripted, tmp_path)


def test_only_paper_does_not_stop_early_by_default():
    settings = {name: make_settings({"task": "sum", "method": name}) for name in METHODS.own}
    assert {name for name, each in settings.items() if not stops_early(each)} == {"paper"}
    assert stops_early(settings["paper"].model_copy(update={"stop_early": True}))
    assert not stops_early(settings["ape"].model_copy(update={"stop_early": False}))
