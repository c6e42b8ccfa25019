"""The display of a running search: counts, live display and log lines."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from instructzero.progress import LiveProgress, PlainProgress, Tally, progress_on
from instructzero.records.observers import RunPlan
from instructzero.types import Completion, Evaluation, Finish, Incomplete, Proposal, Trial, Usage, Writing


def trial(number: int, scores: list[float]) -> Trial:
    evaluation = Evaluation(tuple(scores), ("",) * len(scores), Usage(calls=len(scores)))
    return Trial(number, 0, Proposal((0.0,)), Writing("", f"Text {number}."), evaluation)


def started(tally: Tally, search_calls: int | None = None) -> Tally:
    tally.run_started(RunPlan("task", "instructzero", 10, 4, 100, search_calls))
    tally.writing_started(0, 5)
    return tally


def test_best_ignores_instruction_eliminated_in_race() -> None:
    tally = started(Tally())
    tally.trial_finished(trial(0, [1.0, 1.0]))
    assert tally.best is None
    tally.trial_finished(trial(1, [1.0, 0.0, 1.0, 1.0]))
    assert tally.best == ("Text 1.", 0.75)


@pytest.mark.parametrize(("search_calls", "reached"), [(None, "1 of 10 evaluations"), (8, "4 of 8 calls")])
def test_share_measures_nearer_limit(search_calls: int | None, reached: str) -> None:
    tally = started(Tally(), search_calls)
    tally.trial_finished(trial(0, [1.0] * 4))
    assert reached in tally.reached()
    assert tally.share() == (0.1 if search_calls is None else 0.5)


def test_seconds_left_follows_nearer_limit() -> None:
    by_evaluations, by_calls = started(Tally()), started(Tally(), search_calls=8)
    for tally in (by_evaluations, by_calls):
        tally.trial_finished(trial(0, [1.0] * 4))
        assert tally.searching_since is not None
        tally.searching_since -= 100  # seconds ago
    assert by_evaluations.seconds_left() == pytest.approx(900, rel=0.01)
    assert by_calls.seconds_left() == pytest.approx(100, rel=0.01)


def test_seconds_left_after_early_end_is_zero() -> None:
    for end in (lambda tally: tally.search_stopped("enough"), lambda tally: tally.testing_started(100)):
        tally = started(Tally())
        tally.trial_finished(trial(0, [1.0] * 4))
        assert tally.seconds_left() is not None
        end(tally)
        assert tally.seconds_left() == 0


def test_seconds_left_ignores_trials_of_earlier_process() -> None:
    tally = Tally()
    tally.run_started(RunPlan("task", "instructzero", 10, 4, 100, 12))
    tally.trial_finished(trial(0, [1.0] * 4))
    tally.writing_started(1, 5)
    assert tally.seconds_left() is None
    tally.trial_finished(trial(1, [1.0] * 4))
    assert tally.searching_since is not None
    tally.searching_since -= 10
    assert tally.seconds_left() == pytest.approx(10, rel=0.05)


def test_log_names_both_limits_of_search() -> None:
    out = io.StringIO()
    with PlainProgress(Console(file=out, width=80), {}) as progress:
        started(progress, search_calls=1_200)
        progress.trial_finished(trial(0, [1.0] * 4))
        progress.testing_started(100)
    assert "round 0 done: 1 of 10 evaluations, 4 of 1,200 calls" in out.getvalue()


def test_log_reports_no_best_below_plain_instruction() -> None:
    out = io.StringIO()
    with PlainProgress(Console(file=out, width=80), {}) as progress:
        started(progress)
        progress.plain_finished(Writing("", "Plain."), Evaluation((1.0, 1.0, 0.0, 0.0), ("",) * 4, Usage()))
        for number, right in enumerate((1, 2, 3)):
            progress.trial_finished(trial(number, [1.0] * right + [0.0] * (4 - right)))
    assert [line.split()[2:6] for line in out.getvalue().splitlines() if "new best" in line] == [
        ["2:", "new", "best", "0.50"],
        ["3:", "new", "best", "0.75"],
    ]


@pytest.mark.parametrize("width", [80, 200])
def test_live_display_shortens_long_instruction(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    display = LiveProgress(console, {})
    started(display, search_calls=1_500)
    display.best = display.plain = ("word " * 2_000, 0.5)
    console.print(display.render())
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 20
    assert lines[-1].startswith("time left")


@pytest.mark.parametrize("width", [80, 200])
def test_log_on_terminal_is_wrapped_between_words(width: int) -> None:
    out = io.StringIO()
    with PlainProgress(Console(file=out, width=width, force_terminal=True, color_system=None), {}) as progress:
        started(progress)
        progress.trial_finished(replace(trial(0, [1.0] * 4), writing=Writing("", "Write word after word. " * 20)))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert all(line.startswith(("[0:00:00] ", " " * 10)) for line in lines)
    assert " ".join(line[10:] for line in lines).count("Write word after word.") == 20


def test_live_display_is_chosen_on_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    terminal, forced = Console(file=Terminal()), Console(file=io.StringIO(), force_terminal=True)
    chosen = {plain: type(progress_on(terminal, {}, plain=plain, quiet=False)) for plain in (False, True)}
    assert chosen == {False: LiveProgress, True: PlainProgress}
    assert isinstance(progress_on(forced, {}, plain=False, quiet=False), PlainProgress)
    with progress_on(terminal, {}, plain=False, quiet=True) as tally:
        assert type(tally) is Tally


def test_live_display_shows_progress_of_search() -> None:
    console = Console(file=io.StringIO(), width=80)
    display = LiveProgress(console, {})
    started(display, search_calls=8).trial_finished(trial(0, [1.0] * 4))
    console.print(display.render())
    assert isinstance(console.file, io.StringIO)
    assert f"1 of 10 evaluations, 4 of 8 calls · {'━' * 12}{'╌' * 12}" in " ".join(console.file.getvalue().split())


def test_plain_instruction_whose_answers_are_empty_gives_a_warning_with_the_remedy() -> None:
    output = io.StringIO()
    progress = PlainProgress(Console(file=output, width=200), {})
    progress.run_started(RunPlan("task", "instructzero", 10, 4, 100, answer_tokens=64))
    incomplete = tuple(Incomplete(position, Finish.EMPTY_AT_LIMIT) for position in range(3))
    progress.plain_finished(Writing("", "Plain."), Evaluation((0.0, 0.0, 0.0, 1.0), ("",) * 4, incomplete=incomplete))
    said = "3 of 4 answers were empty: the model used all 64 tokens before it answered; raise --answer-tokens"
    assert said in output.getvalue()


def test_answers_that_did_not_arrive_are_counted_in_the_display() -> None:
    live = LiveProgress(Console(file=io.StringIO()), {})
    live.answered(Completion("x"), False)
    assert "answers" not in dict(live._rows())
    for completion in (Completion(""), Completion("y", finish=Finish.CUT), Completion.failed("no")):
        live.answered(completion, False)
    assert dict(live._rows())["answers"] == "1 empty, 1 cut off, 1 not given"


@pytest.mark.parametrize("event", ["answered", "judged", "written"])
def test_wait_is_shown_until_the_next_paid_answer(event: str) -> None:
    live = LiveProgress(Console(file=io.StringIO()), {})
    live.waiting("judge", 7200.0, "the service says no")
    assert dict(live._rows())["waiting"].startswith("for the judge until ")
    assert dict(live._rows())["waiting"].endswith(", in 2 h: the service says no")
    getattr(live, event)(Completion("x"), True)
    assert "waiting" in dict(live._rows())
    getattr(live, event)(Completion("x"), False)
    assert "waiting" not in dict(live._rows())


def test_wait_that_is_over_is_not_shown() -> None:
    live = LiveProgress(Console(file=io.StringIO()), {})
    live.waiting("judge", -1.0, "the service says no")
    assert "waiting" not in dict(live._rows())


def test_log_names_wait_with_reason_and_end_at_once() -> None:
    output = io.StringIO()
    PlainProgress(Console(file=output, width=80), {}).waiting("black box", 120.0, "the endpoint says no")
    assert "waiting for the black box until " in output.getvalue()
    assert "in 2 min: the endpoint says no" in output.getvalue()
