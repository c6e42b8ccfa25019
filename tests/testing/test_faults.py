"""The rates and the reproducibility of simulated faults."""

from __future__ import annotations

from collections import Counter

import pytest

from instructzero.testing import Fault, Faults


def test_faults_occur_at_their_rates() -> None:
    faults = Faults({Fault.HTML: 0.3, Fault.EMPTY: 0.1})
    counts = Counter(faults.of(f"prompt {number}", 1) for number in range(4000))
    assert counts[Fault.HTML] == pytest.approx(1200, abs=120)
    assert counts[Fault.EMPTY] == pytest.approx(400, abs=80)
    assert counts.keys() == {Fault.HTML, Fault.EMPTY, None}


def test_fault_depends_on_prompt_attempt_and_seed_only() -> None:
    faults = Faults({Fault.HTML: 0.5}, seed=1)
    first = [faults.of(f"prompt {number}", 1) for number in range(50)]
    assert first == [faults.of(f"prompt {number}", 1) for number in range(50)]
    assert first != [faults.of(f"prompt {number}", 2) for number in range(50)]
    assert first != [Faults({Fault.HTML: 0.5}, seed=2).of(f"prompt {number}", 1) for number in range(50)]


def test_rate_one_gives_fault_and_no_rates_give_none() -> None:
    assert Faults().of("ping", 1) is None
    assert all(Faults({fault: 1.0}).of("ping", 1) is fault for fault in Fault)


@pytest.mark.parametrize("rates", [{Fault.HTML: 0.6, Fault.EMPTY: 0.6}, {Fault.HTML: -0.1}])
def test_impossible_rates_are_refused(rates: dict[Fault, float]) -> None:
    with pytest.raises(ValueError, match="expected rates"):
        Faults(rates)
