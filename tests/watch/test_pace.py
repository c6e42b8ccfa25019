"""Tests of the limit on processor time."""

from instructzero.watch.pace import Pace


class Clocks:
    """A wall clock and a processor clock that tests advance."""

    def __init__(self):
        self.now = 100.0
        self.spent = 0.0


def work(pace, clocks, seconds):
    with pace.working():
        clocks.spent += seconds
        clocks.now += seconds


def make(**sizes):
    clocks = Clocks()
    return Pace(**sizes, now=lambda: clocks.now, spent=lambda: clocks.spent), clocks


def test_pace_allows_initial_credit_then_waits():
    pace, clocks = make(share=0.02, credit_s=3.0)
    assert pace.is_due()
    work(pace, clocks, 2.0)
    assert pace.is_due()
    work(pace, clocks, 2.0)
    assert not pace.is_due()
    clocks.now += 40.0
    assert not pace.is_due()
    clocks.now += 10.0
    assert pace.is_due()


def test_pace_credit_is_capped_after_idle_time():
    pace, clocks = make(share=0.02, credit_s=3.0)
    clocks.now += 1e6
    work(pace, clocks, 3.5)
    assert not pace.is_due()


def test_pace_over_long_time_grants_its_share():
    pace, clocks = make(share=0.03, credit_s=3.0)
    began, pieces = clocks.now, 0
    while clocks.now < began + 10_000:
        if pace.is_due():
            work(pace, clocks, 2.0)
            pieces += 1
        clocks.now += 1.0
    assert 0.03 * 10_000 - 4 <= 2.0 * pieces <= 3.0 + 0.03 * 10_100 + 2.0


def test_pace_charges_failed_work():
    pace, clocks = make(share=0.02, credit_s=1.0)
    try:
        with pace.working():
            clocks.spent += 2.0
            raise OSError
    except OSError:
        pass
    assert not pace.is_due()
