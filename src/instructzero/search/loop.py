"""The search itself: Algorithm 1 of the paper, with every step recorded before the next begins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from instructzero.errors import BudgetExhausted
from instructzero.optimizers import Optimizer
from instructzero.records.journal import Journal, Round
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.search.finale import Finale
from instructzero.search.validation import Validation
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Usage, Writing
from instructzero.writing.writer import Writer

FRUITLESS_ROUNDS, FRUITLESS_TEXTS = 3, 24
"""After so many rounds, with at least so many texts, of which none was new, the search has seen what there is."""


class Savings(Protocol):
    """What the end of the run will take, kept from the search."""

    def keep(self, questions: int) -> None:
        """Keep back what so many questions will take, at the pace and price of those so far."""

    def release(self) -> None:
        """The end may spend it now."""


@dataclass(frozen=True)
class Search:
    """One run: ask → write → evaluate → record → tell, until the evaluations or the budget are spent; then the end.

    ``search_calls`` is the most that the search asks of the black box to have texts written and to score them; what it
    has to beat and what the end asks come on top. ``stop_early``: it ends when nothing that it finds could win.

    A journal with content is continued: what it holds is told to the optimiser, not done again. Stopped at any
    moment and run again, it ends with the same journal and repeats no call to the black box.
    """

    optimizer: Optimizer
    writer: Writer
    validation: Validation
    objective: Objective
    finale: Finale
    savings: Savings
    journal: Journal
    evaluations: int
    stop_early: bool
    observer: Observer
    search_calls: int | None = None

    def run(self) -> Result:
        """Run to the end; raises what the models, the endpoint or the disk raise, with everything paid recorded."""
        self._score_references()
        self._replay()
        try:
            self._search()
        except BudgetExhausted as error:
            self._keep_cut_short()
            self.observer.search_stopped(str(error))
        self.savings.release()
        winner = self.finale.run(self._ranked(), self._plain()[0].instruction)
        self.observer.run_finished()
        return self._result(winner)

    def _search(self) -> None:
        while self.journal.history.pending or (self._remaining() and not self._is_over()):
            self.savings.keep(self.finale.questions())
            if not self.journal.history.pending:
                self._propose()
            self._evaluate_pending()
            self._tell(self.journal.history.rounds[-1])

    def _is_over(self) -> bool:
        """Whether nothing new is left to be found, or nothing that could win."""
        if is_exhausted(self.journal.history.rounds):
            return True
        if not self.stop_early:
            return False
        reason = nothing_better(
            self.journal.history.trials, self.objective, self.validation.questions, self.finale.contenders
        )
        if reason is None:
            return False
        self.observer.search_stopped(reason)
        return True

    def _keep_cut_short(self) -> None:
        """Instructions that were scored in full before a limit stopped their race may win the run."""
        for text, evaluation in self.validation.cut_short.items():
            if text not in self.journal.history.known_evaluations():
                self.journal.add_cut_short(text, _for_free(evaluation))

    def _remaining(self) -> int:
        """How many evaluations may be begun that are not written yet."""
        return self._room(self.validation.questions + self.writer.calls_a_rewrite)

    def _room(self, calls_each: int, written: Usage | None = None) -> int:
        """How many evaluations fit into the limits at so many calls each, once what was ``written`` is paid."""
        left = self.evaluations - len(self.journal.history.trials)
        calls = self._calls_left()
        if calls is None:
            return left
        return max(0, min(left, (calls - (written.calls if written else 0)) // calls_each))

    def _calls_left(self) -> int | None:
        """How many calls the search may still ask; None where it has no limit of its own."""
        return None if self.search_calls is None else self.search_calls - self.journal.history.search_usage().calls

    def _affordable(self, proposals: list[Proposal]) -> list[Proposal]:
        """As many of the proposals as may be written with one evaluation to follow."""
        calls = self._calls_left()
        if calls is None or not self.writer.calls_a_rewrite:
            return proposals
        return proposals[: (calls - self.validation.questions) // self.writer.calls_a_rewrite]

    def _score_references(self) -> None:
        """What the search has to beat: the instruction without a soft prompt, and the user's own."""
        baseline = self.finale.baseline
        if self.journal.history.plain is None:
            (writing,), _ = self.writer.write([Proposal(None)])
            (evaluation,) = self.validation.whole([writing.instruction])
            self.journal.set_plain(writing, evaluation)
        if baseline is not None and self.journal.history.baseline is None:
            known = self.journal.history.known_evaluations()
            evaluation = _for_free(known[baseline]) if baseline in known else next(self.validation.whole([baseline]))
            self.journal.set_baseline(baseline, evaluation)
        self.observer.plain_finished(*self._plain())

    def _replay(self) -> None:
        """Tell the optimiser the whole rounds that are on record, and the onlooker everything."""
        history = self.journal.history
        for each in history.rounds[:-1] if history.pending else history.rounds:
            self._tell(each)
        for trial in history.trials:
            self.observer.trial_finished(trial)

    def _tell(self, each: Round) -> None:
        """Line 8: the optimiser hears what a whole round brought, and what was written beside it."""
        trials = self.journal.history.trials_of(each.number)
        self.optimizer.tell([self.objective.adjusted(trial) for trial in trials], each.unpaid)

    def _propose(self) -> None:
        """Lines 3–5 of Algorithm 1: new soft prompts, and the instructions that the writer makes of them."""
        proposals = self._affordable(self.optimizer.ask(self._remaining()))
        number = len(self.journal.history.rounds)
        self.observer.writing_started(number, len(proposals))
        writings, usage = self.writer.write(proposals, self.journal.history.rewrites)
        candidates = [Candidate(*pair) for pair in zip(proposals, writings, strict=True)]
        chosen = self.optimizer.choose(candidates, self._room(self.validation.questions, usage))
        self.journal.add_round(candidates, chosen, usage)
        self.observer.writing_finished(number, writings)

    def _evaluate_pending(self) -> None:
        """Lines 6–7: score the chosen instructions.

        Instructions that race are scored as a whole round, also when a part of it is on record already: what the
        others are measured by must not depend on where a run was interrupted. What was answered is not asked again.
        """
        current = self.journal.history.rounds[-1]
        done = len(self.journal.history.trials_of(current.number))
        results = self._evaluations([candidate.instruction for candidate in current.planned], current.number)
        for position, evaluation in enumerate(results):
            if position >= done:
                self.observer.trial_finished(self.journal.add_trial(evaluation))

    def _evaluations(self, instructions: Sequence[str], number: int) -> Iterator[Evaluation]:
        """Results in order; an instruction that was scored before keeps its scores and costs nothing."""
        known = self.journal.history.known_evaluations(before_round=number)
        values = [self.objective.value(*each) for each in known.items() if self.validation.is_complete(each[1])]
        fresh = [text for text in dict.fromkeys(instructions) if text not in known]
        results = self.validation.score(fresh, values) if fresh else iter(())
        for text in instructions:
            if text in known:
                yield _for_free(known[text])
            else:
                known[text] = next(results)
                yield known[text]

    def _plain(self) -> tuple[Writing, Evaluation]:
        plain = self.journal.history.plain
        if plain is None:
            raise RuntimeError("the plain instruction is scored before it is used")
        return plain

    def _ranked(self) -> list[str]:
        """All instructions with complete results, the best first.

        The earliest trial comes first among equals, the plain and the user's instruction last.
        """
        history = self.journal.history
        scored = [(trial.instruction, trial.evaluation) for trial in history.trials]
        scored += history.cut_short.items()
        scored.append((self._plain()[0].instruction, self._plain()[1]))
        scored += [history.baseline] if history.baseline else []
        complete = [(text, each) for text, each in scored if self.validation.is_complete(each)]
        complete.sort(key=lambda pair: -self.objective.value(*pair))
        return list(dict.fromkeys(text for text, _ in complete))

    def _result(self, winner: str) -> Result:
        history = self.journal.history
        baseline = self.finale.baseline
        return Result(
            best=self.finale.scored(winner),
            plain=self.finale.scored(self._plain()[0].instruction),
            baseline=None if baseline is None else self.finale.scored(baseline),
            trials=tuple(history.trials),
            usage=history.usage(),
            leaks=self.finale.leaks(winner),
        )


def is_exhausted(rounds: Sequence[Round]) -> bool:
    """Whether the last rounds found nothing new to evaluate."""
    fruitless = list(itertools.takewhile(lambda each: not each.chosen, reversed(rounds)))
    return len(fruitless) >= FRUITLESS_ROUNDS and sum(len(each.candidates) for each in fruitless) >= FRUITLESS_TEXTS


def nothing_better(trials: Sequence[Trial], objective: Objective, examples: int, contenders: int) -> str | None:
    """Why nothing that is found later could win: all ``contenders`` have the best value there is; None where it could.

    That value is on all the validation ``examples``; of equals the earliest come first.
    """
    complete = [each for each in trials if len(each.evaluation.scores) == examples]
    perfect = len({each.instruction for each in complete if objective.is_perfect(each.instruction, each.evaluation)})
    if perfect < contenders:
        return None
    return (
        f"{perfect} instruction{'s have' if perfect > 1 else ' has'} every validation example right, and none that "
        "is found later can come before"
    )


def _for_free(evaluation: Evaluation) -> Evaluation:
    return Evaluation(evaluation.scores, evaluation.predictions, Usage())
