from __future__ import annotations

from collections import Counter

import pytest

from instructzero.testing import Fault, Faults


def test_faults_come_at_their_rates() -> None:
    faults = Faults({Fault.HTML: 0.3, Fault.EMPTY: 0.1})
    counts = Counter(faults.of(f"prompt {number}", 1) for number in range(4000))
    assert counts[Fault.HTML] == pytest.approx(1200, abs=120)
    assert counts[Fault.EMPTY] == pytest.approx(400, abs=80)
    assert counts.keys() == {Fault.HTML, Fault.EMPTY, None}


def test_a_request_meets_the_same_fault_again_and_another_try_may_not() -> None:
    faults = Faults({Fault.HTML: 0.5}, seed=1)
    first = [faults.of(f"prompt {number}", 1) for number in range(50)]
    assert first == [faults.of(f"prompt {number}", 1) for number in range(50)]
    assert first != [faults.of(f"prompt {number}", 2) for number in range(50)]
    assert first != [Faults({Fault.HTML: 0.5}, seed=2).of(f"prompt {number}", 1) for number in range(50)]


def test_all_or_none() -> None:
    assert Faults().of("ping", 1) is None
    assert all(Faults({fault: 1.0}).of("ping", 1) is fault for fault in Fault)


@pytest.mark.parametrize("rates", [{Fault.HTML: 0.6, Fault.EMPTY: 0.6}, {Fault.HTML: -0.1}])
def test_rates_that_cannot_be(rates: dict[Fault, float]) -> None:
    with pytest.raises(ValueError, match="expected rates"):
        Faults(rates)
