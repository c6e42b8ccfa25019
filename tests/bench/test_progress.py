"""What is said of a bench while it goes on."""

from instructzero.bench.cell import Outcome
from instructzero.bench.progress import BenchProgress
from instructzero.types import Usage
from tests.bench.synthetic import cell


def outcome(usd=0.5):
    return Outcome(cell("uniform", "sum", {100: 0.25, 300: 0.5}), Usage(400, 10, 10), usd)


def test_a_line_says_what_was_found_what_is_paid_and_how_long_it_takes():
    lines, now = [], [0.0]
    progress = BenchProgress(5, lines.append, lambda: now[0])
    progress.kept([outcome(), outcome()])
    now[0] = 60.0
    progress.finished(outcome())
    assert lines == [
        "2 of 5 cells were run before",
        "[0:01:00] 3 of 5: uniform on sum, embedded, seed 0: test 0.25 at 100, 0.50 at 300 (plain 0.10); "
        "1,200 calls paid, $1.5000, 0:02:00 left",
    ]


def test_without_a_price_no_sum_is_said():
    lines = []
    progress = BenchProgress(2, lines.append, lambda: 0.0)
    progress.finished(outcome(usd=None))
    progress.finished(outcome())
    assert all("no price set" in line for line in lines)
    assert len(lines) == 2
