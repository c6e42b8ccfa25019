"""Limits of calls, tokens, time and dollars, as whole runs."""

import pytest

import instructzero
from instructzero.models.scripted import PHRASES, ScriptedBlackBox
from instructzero.records.journal import Journal
from tests.search.graded import END, RACE, REFERENCE, Reasons, graded, run


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
