"""The summary of a run on terminals of different widths."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from instructzero.calls.prices import Price
from instructzero.cli.summary import print_summary
from instructzero.progress import Tally
from instructzero.records.result import Result, Scored
from instructzero.types import Evaluation, Example, Proposal, Trial, Usage, Writing

WIDTHS = [80, 200]


def evaluation(right: int, of: int) -> Evaluation:
    return Evaluation((1.0,) * right + (0.0,) * (of - right), ("answer",) * of)


def scored(instruction: str, right: int, confirmed: bool = True) -> Scored:
    again = evaluation(right, 40) if confirmed else None
    return Scored(instruction, evaluation(right // 2, 20), evaluation(right, 100), again)


def result(best: Scored | None = None, **more: Any) -> Result:
    best = best or scored("Write the word backwards.", 36)
    trial = Trial(0, 0, Proposal((0.5,)), Writing(best.instruction, best.instruction), best.validation)
    values = {"plain": scored("Do something.", 4), "trials": (trial,), "usage": Usage(1_234, 20_000, 3_000)} | more
    return Result(best=best, **values)


def summary(
    width: int,
    found: Result,
    tally: Tally | None = None,
    *,
    spent_dollars: bool = False,
    directory: Path = Path("runs/demo"),
) -> list[str]:
    file = io.StringIO()
    prices = {"black box": Price(1.0, 1.0), "judge": Price(1.0, 1.0)} if spent_dollars else {"black box": None}
    print_summary(Console(width=width, file=file, highlight=False), found, directory, prices, tally or Tally())
    return file.getvalue().splitlines()


def said(lines: list[str]) -> str:
    """Return the lines as one, as before wrapping."""
    return " ".join(line.strip() for line in lines if line.strip())


def rows(lines: list[str]) -> dict[str, str]:
    return {line.split()[0]: line for line in lines if line.startswith(("score ", "best ", "plain ", "yours "))}


@pytest.mark.parametrize("width", WIDTHS)
def test_table_fits_width_and_shows_scores_with_intervals(width: int) -> None:
    table = rows(summary(width, result(baseline=scored("Reverse.", 20, confirmed=False))))
    assert list(table) == ["score", "best", "plain", "yours"]
    assert all(len(line) <= width for line in table.values())
    assert table["score"].split() == ["score", "validation", "(20)", "confirmation", "(40)", "test", "(100)"]
    assert table["best"].split() == [
        *("best", "0.900", "[0.70,", "0.97]"),
        *("0.900", "[0.77,", "0.96]"),
        *("0.360", "[0.27,", "0.46]"),
    ]
    assert table["yours"].split()[4] == "—"
    ends = {line.rstrip()[-1] for line in table.values()}
    assert len({len(line) for line in table.values()}) == 1, ends


def test_table_without_confirmation_has_no_column_for_it() -> None:
    found = result(scored("a", 36, confirmed=False), plain=scored("b", 4, confirmed=False))
    assert rows(summary(80, found))["score"].split() == ["score", "validation", "(20)", "test", "(100)"]
    assert "yours" not in rows(summary(80, found))


@pytest.mark.parametrize("width", WIDTHS)
def test_warnings_are_printed_and_wrapped(width: int) -> None:
    lines = summary(width, result(leaks=(Example("giraffe", ("zebra",)),)))
    text = said(lines)
    assert "Warning: The best instruction copies examples that its writer was shown ('giraffe')" in text
    assert "Warning: Validation (0.900) and test (0.360) disagree" in text
    assert all(len(line) <= width for line in lines if "Warning" in line)
    assert text.count("Warning: ") == len(result(leaks=(Example("giraffe", ("zebra",)),)).warnings())


def test_clear_result_prints_no_warning() -> None:
    clear = Scored("clear", evaluation(36, 40), evaluation(90, 100))
    found = result(clear, plain=Scored("poor", evaluation(4, 40), evaluation(10, 100)))
    lines = summary(80, found)
    assert not any("Warning" in line for line in lines)
    (line,) = (line for line in lines if line.startswith("Test score against"))
    test = found.comparisons()["plain"]
    assert line == (
        f"Test score against the plain instruction: +0.800 [{test.low:+.3f}, {test.high:+.3f}], p = {test.p_value:.2g}"
    )
    assert lines[lines.index(line) + 1] == "  (paired)"


def test_plain_instruction_as_best_prints_sentence_and_no_comparison() -> None:
    plain = scored("Do something.", 36)
    text = "\n".join(summary(80, result(plain, plain=plain)))
    assert "The search found no better instruction than the plain one." in text
    assert "Test score against" not in text


def test_early_stop_prints_reason() -> None:
    tally = Tally()
    tally.search_stopped("the limit of 9 calls leaves no room for another request")
    reason = "The search stopped early: the limit of 9 calls leaves no room for another request."
    assert reason in said(summary(80, result(), tally))
    assert "stopped early" not in said(summary(80, result()))


@pytest.mark.parametrize("width", WIDTHS)
def test_instructions_are_printed_whole_without_control_characters(width: int) -> None:
    long = "Write each of the letters of the word once more, in the reverse order, \x1b[31mand nothing else. " * 3
    lines = summary(width, result(scored(long, 36), baseline=scored("Mine.", 3)))
    text = said(lines)
    assert text.count("and nothing else.") == 3
    assert "\x1b" not in text
    assert "Your instruction Mine." in text
    heads = [line for line in lines if line and not line.startswith(" ")]
    assert heads[0] == "Best instruction"


def test_effort_shows_calls_tokens_and_dollars() -> None:
    spent = {"black box": Usage(1_234, 20_000, 3_000), "judge": Usage(17, 1_000, 1_000)}
    text = "\n".join(summary(200, result(spent=spent), spent_dollars=True))
    assert "1 evaluations · 1 distinct instructions · 1,234 black-box calls (0 of them now) · 17 judge calls" in text
    assert "25,000 tokens · $0.0250" in text
    assert "no price set" in "\n".join(summary(200, result(spent=spent)))


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"black box": 2, "judge": 1}, " · 3 calls lost, counted at their maximum · 0 tokens"),
        ({"judge": 1}, " · 1 call lost, counted at its maximum · 0 tokens"),
        ({}, "1,234 black-box calls (0 of them now) · 0 tokens"),
    ],
)
def test_effort_counts_lost_calls_of_every_role(lost: dict[str, int], said: str) -> None:
    assert said in "\n".join(summary(200, result(lost=lost)))


def test_calls_of_interrupted_evaluation_are_shown() -> None:
    text = "\n".join(summary(200, result(), Tally(usage=Usage(1_300))))
    assert "1,234 black-box calls, and 66 for an evaluation that the limit interrupted · " in text


def test_results_line_names_only_existing_files(tmp_path: Path) -> None:
    """The call store may be a shared one elsewhere."""
    for name in ("instruction.txt", "journal.jsonl"):
        (tmp_path / name).touch()
    assert summary(200, result(), directory=tmp_path)[-2] == f"Results in {tmp_path}: instruction.txt, journal.jsonl"


@pytest.mark.parametrize("width", WIDTHS)
def test_last_lines_fit_width_and_name_report_command(width: int) -> None:
    lines = summary(width, result(spent={"judge": Usage(17, 1_000, 1_000)}), directory=Path("runs/my words"))
    assert lines[-1] == "Report: instructzero report 'runs/my words' --open"
    assert max(map(len, lines)) <= width
    effort = lines[lines.index("") :][-4 if width == 80 else -3 :]
    assert (effort[0].endswith(" ·"), len(effort)) == (width == 80, 4 if width == 80 else 3)


def test_wide_characters_count_as_two_columns() -> None:
    lines = summary(80, result(scored("写出每个单词的反义词" * 12, 36)))
    shown = lines[lines.index("Best instruction") + 1 :][:4]
    assert "".join(line.strip() for line in shown) == "写出每个单词的反义词" * 12
    assert max(map(len, shown)) == 2 + 39


# The user's own instructions


LINES = "You are careful.\n\nRules:\n\t- Answer with one word.\r\n- No other text."


def test_instruction_of_several_lines_is_shown_as_lines() -> None:
    lines = summary(80, result(scored(LINES, 36), baseline=scored("One.\u2028Two.\x1b[2J", 3)))
    place = lines.index("  You are careful.")
    shown = ["  You are careful.", "", "  Rules:", "      - Answer with one word.", "  - No other text.", ""]
    assert lines[place : place + 6] == shown
    place = lines.index("Your instruction")
    assert lines[place + 1 : place + 3] == ["  One.", "  Two.\N{REPLACEMENT CHARACTER}[2J"]


def test_kept_instruction_is_shown_with_verdict_and_challenger() -> None:
    own, found = scored("Mine.", 36), scored("Write the word backwards.", 37)
    lines = summary(80, result(own, starts=(own,), challenger=found))
    assert lines[1] == "Keep yours: no instruction was shown to be better."
    assert lines[lines.index("Best instruction (yours)") + 1] == "  Mine."
    assert lines[lines.index("Best challenger") + 1] == "  Write the word backwards."
    assert "Test score against the best challenger: -0.010" in said(lines)
    table = {line.split()[0]: line for line in lines if line.startswith(("score", "best ", "challenger", "plain"))}
    assert list(table) == ["score", "best", "plain", "challenger"]
    assert len({len(line) for line in table.values()}) == 1
    assert len(table["score"]) <= 80


def test_replaced_instruction_is_shown_with_verdict() -> None:
    own, found = scored("Mine.", 5), scored("Write the word backwards.", 40)
    lines = summary(80, result(found, starts=(own, scored("Other.", 4)), challenger=found))
    assert lines[1].startswith("Switch: the new instruction is better by +0.35 [+")
    assert lines[lines.index("Your instruction, from which the search started") + 1] == "  Mine."
    assert "Best challenger" not in lines
    assert any(line.startswith("start ") for line in lines)


def test_kept_plain_instruction_is_not_called_a_failure_of_the_search() -> None:
    plain = scored("Do something.", 36)
    lines = summary(80, result(plain, plain=plain, starts=(plain,)))
    assert "The search found no better instruction than the plain one." not in said(lines)
    assert "Keep yours" in said(lines)


def test_lost_calls_are_counted_once_and_those_of_earlier_processes_are_not_forgotten() -> None:
    spent = {"black box": Usage(1_250, 1, 1), "writer": Usage(5, 1, 1), "judge": Usage(18, 1, 1)}
    found = result(spent=spent, lost={"black box": 7, "judge": 2})
    tally = Tally(usage=Usage(30, 1, 1))
    assert (
        "1,234 black-box calls (30 of them now), and 9 for an evaluation that the limit interrupted · 5 writer calls · "
        "16 judge calls · 9 calls lost, counted at their maximum · 6 tokens" in said(summary(400, found, tally))
    )
