"""The lines that a bench prints while it runs."""

from instructzero.bench.cell import Outcome
from instructzero.bench.progress import BenchProgress
from instructzero.types import Usage
from tests.bench.synthetic import cell


def outcome(usd=0.5):
    return Outcome(cell("uniform", "sum", {100: 0.25, 300: 0.5}), Usage(400, 10, 10), usd)


def test_progress_line_has_scores_paid_calls_cost_and_time_left():
    lines, now = [], [0.0]
    progress = BenchProgress(5, lines.append, lambda: now[0])
    progress.kept([outcome(), outcome()])
    now[0] = 60.0
    progress.finished(outcome())
    assert lines == [
        "2 of 5 runs were finished before",
        "[0:01:00] 3 of 5: uniform on sum, embedded, seed 0: test 0.25 at 100, 0.50 at 300 (plain 0.10); "
        "1,200 calls paid, $1.5000, 0:02:00 left",
    ]


def test_progress_line_without_price_says_so():
    lines = []
    progress = BenchProgress(2, lines.append, lambda: 0.0)
    progress.finished(outcome(usd=None))
    progress.finished(outcome())
    assert all("no price set" in line for line in lines)
    assert len(lines) == 2
