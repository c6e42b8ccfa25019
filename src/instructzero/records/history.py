"""The history of a run: everything that its journal records, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from instructzero.types import Candidate, Evaluation, Rewrite, Trial, Usage, Writing

Place = tuple[int, int]
"""The place of a trial: the number of its round, and its position among the candidates that the round evaluates."""


@dataclass(frozen=True, slots=True)
class Round:
    """The candidates that were written in one round, and the positions of those to evaluate, in that order.

    ``usage`` is the usage of the black box for writing them, ``writer_usage`` that of a writer behind an API.
    """

    number: int
    candidates: tuple[Candidate, ...]
    chosen: tuple[int, ...]
    usage: Usage = field(default_factory=Usage)
    writer_usage: Usage = field(default_factory=Usage)

    @property
    def planned(self) -> list[Candidate]:
        """The candidates to evaluate."""
        return [self.candidates[position] for position in self.chosen]

    @property
    def unpaid(self) -> list[Candidate]:
        """The other candidates."""
        chosen = set(self.chosen)
        return [candidate for position, candidate in enumerate(self.candidates) if position not in chosen]


@dataclass
class History:
    """The events of a run so far; `Journal` keeps it equal to the file.

    ``places`` maps the place of every evaluated candidate to the number of its trial. ``past_headers`` are those before
    the run was continued with other examples for the final selection or the final test; ``confirmations`` and ``tests``
    are the results on the examples of the ``header``.
    """

    header: dict[str, Any] | None = None
    past_headers: list[dict[str, Any]] = field(default_factory=list)
    plain: tuple[Writing, Evaluation] | None = None
    baseline: tuple[str, Evaluation] | None = None
    rounds: list[Round] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    places: dict[Place, int] = field(default_factory=dict)
    cut_short: dict[str, Evaluation] = field(default_factory=dict)
    confirmations: dict[str, Evaluation] = field(default_factory=dict)
    tests: dict[str, Evaluation] = field(default_factory=dict)

    @property
    def pending(self) -> dict[Place, Candidate]:
        """The candidates of the last round that are chosen and not evaluated yet, by place, in order."""
        if not self.rounds:
            return {}
        last = self.rounds[-1]
        planned = {(last.number, position): candidate for position, candidate in enumerate(last.planned)}
        return {place: candidate for place, candidate in planned.items() if place not in self.places}

    def begin(self, header: dict[str, Any]) -> None:
        """Set the header. Results of the final selection or the final test on other examples are dropped."""
        before, self.header = self.header or header, header
        if before is not header:
            self.past_headers.append(before)
        if before.get("confirmation") != header.get("confirmation"):
            self.confirmations = {}
        if before.get("test") != header.get("test"):
            self.tests = {}

    def add_trial(self, place: Place, evaluation: Evaluation) -> None:
        """Add the trial of the pending candidate at ``place``."""
        candidate = self.pending[place]
        self.places[place] = number = len(self.trials)
        self.trials.append(Trial(number, place[0], candidate.proposal, candidate.writing, evaluation))

    def trials_of(self, round_number: int) -> list[Trial]:
        """Return the trials of one round."""
        return [trial for trial in self.trials if trial.round == round_number]

    @property
    def validation_examples(self) -> int:
        """The number of validation examples: the largest number of scores that an instruction has on them."""
        return max((len(evaluation.scores) for evaluation in self.known_evaluations().values()), default=0)

    def complete_trials(self) -> list[Trial]:
        """Return the trials that were scored on all validation examples."""
        examples = self.validation_examples
        return [trial for trial in self.trials if trial.evaluation.is_complete(examples)]

    def known_evaluations(self, before_round: int | None = None) -> dict[str, Evaluation]:
        """Return validation results by instruction text.

        With ``before_round``, only the trials of earlier rounds count. Of equal texts the first trial counts, and the
        plain instruction and the baseline before every trial.
        """
        past = [trial for trial in self.trials if before_round is None or trial.round < before_round]
        known = dict(self.cut_short) if before_round is None else {}
        known |= {trial.instruction: trial.evaluation for trial in reversed(past)}
        if self.baseline:
            known[self.baseline[0]] = self.baseline[1]
        if self.plain:
            known[self.plain[0].instruction] = self.plain[1]
        return known

    @property
    def rewrites(self) -> list[Rewrite]:
        """The requests for all texts that were made from other texts."""
        candidates = [candidate for round_ in self.rounds for candidate in round_.candidates]
        return [candidate.proposal.rewrite for candidate in candidates if candidate.proposal.rewrite is not None]

    def search_usage(self) -> Usage:
        """Return the usage by the search itself: writing texts, also by a writer behind an API, and scoring them."""
        return self.scoring_usage() + self.writer_usage()

    def scoring_usage(self) -> Usage:
        """Return the usage of the black box by the search itself."""
        usages = [round_.usage for round_ in self.rounds] + [trial.evaluation.usage for trial in self.trials]
        return _total(usages)

    def writer_usage(self) -> Usage:
        """Return the usage of a writer behind an API by the search itself."""
        return _total([round_.writer_usage for round_ in self.rounds])

    def usage(self) -> Usage:
        """Return the usage of the black box by the whole run."""
        evaluations = [*self.confirmations.values(), *self.tests.values()]
        evaluations += [reference[1] for reference in (self.plain, self.baseline) if reference]
        return _total([evaluation.usage for evaluation in evaluations]) + self.scoring_usage()


def _total(usages: Sequence[Usage]) -> Usage:
    return sum(usages, Usage())
