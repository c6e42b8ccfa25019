"""The search: Algorithm 1 of the paper, with every step recorded before the next one begins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Protocol

from instructzero.errors import BudgetExhausted, ConfigurationError, ModelError
from instructzero.optimizers import Optimizer
from instructzero.records.history import History, Round
from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.records.result import Result
from instructzero.search.diagnosis import look_at
from instructzero.search.finale import Finale, Selection
from instructzero.search.stopping import EXHAUSTED, is_exhausted, nothing_better
from instructzero.search.validation import Validation
from instructzero.types import Candidate, Evaluation, Proposal, Usage, Writing
from instructzero.writing.asking_writer import AskingWriter
from instructzero.writing.writer import Writer


class FinalReserve(Protocol):
    """The part of the budget that is held back from the search for the final selection and the final test."""

    def keep(self, questions: int) -> None:
        """Hold back what ``questions`` questions will take, at the pace and the cost of those so far."""

    def release(self) -> None:
        """Let the final selection and the final test use it."""


@dataclass(frozen=True)
class Search:
    """One run: propose → write → evaluate → record → tell, until a limit is reached; then the final selection.

    A journal with content is continued: the optimizer receives its trials, and nothing is done again. A run that was
    stopped at any moment and is run again ends with the same journal, and repeats no call to the black box.

    Parameters
    ----------
    optimizer
        Proposes points, and receives their scores.
    writer
        Writes an instruction for every point.
    validation
        Scores instructions on the validation examples.
    objective
        Ranks the scored instructions.
    finale
        Selects and tests the winner.
    reserve
        Holds back the part of the budget that the finale needs.
    journal
        Records every step.
    evaluations
        The maximum number of evaluations.
    stop_early
        Stop the search once no later instruction can win.
    observer
        Receives the events of the run.
    search_calls
        The maximum calls of the black box for writing and scoring texts in the search. The references and the finale
        are not counted. None for no limit.
    stop_on_zero
        Stop after the first round if its scores are suspicious; see `look_at`. Run again, the search goes on.
    """

    optimizer: Optimizer
    writer: Writer | AskingWriter
    validation: Validation
    objective: Objective
    finale: Finale
    reserve: FinalReserve
    journal: Journal
    evaluations: int
    stop_early: bool
    observer: Observer
    search_calls: int | None = None
    stop_on_zero: bool = False

    def run(self) -> Result:
        """Run to the end and return the result.

        Raises the errors of the models, the endpoint and the disk; everything that was paid is recorded by then.
        """
        self._score_references()
        self._replay()
        self._score_starts()
        try:
            self._search()
        except BudgetExhausted as error:
            self._record_cut_short()
            self.observer.search_stopped(str(error))
        self.reserve.release()
        selection = self.finale.run(self._ranked(), self._plain()[0].instruction)
        self.observer.run_finished()
        return self._result(selection)

    def _search(self) -> None:
        """Run the loop of Algorithm 1, a batch of soft prompts per round."""
        while self._history.pending or (self._remaining() and not self._is_over()):
            self.reserve.keep(self.finale.questions())
            if not self._history.pending:
                self._propose()
            self._evaluate_pending()
            self._tell(self._history.rounds[-1])
            if len(self._history.rounds) == (2 if self.finale.starts else 1):
                self._look_at_first_round()
        if not self._history.trials and not self._plain()[0].instruction:
            raise ModelError(
                "the writer has written no instruction: all its answers are empty, cut off or refused; read them with "
                "'instructzero calls', and choose another writer with --writer, or raise --instruction-tokens"
            )

    def _look_at_first_round(self) -> None:
        """Warn of suspicious first scores, or stop because of them."""
        task = self.finale.task
        found = look_at(self._history.known_evaluations(), task.validation, task.metric)
        if found is None:
            return
        if not self.stop_on_zero:
            self.observer.warned(found)
            return
        first, *others = found.splitlines()
        raise ConfigurationError(f"stopped after the first round, as --on-zero stop asks: {first}").followed_by(
            *others, "Every paid answer is stored; run the same command again to go on all the same"
        )

    def _propose(self) -> None:
        """Lines 3–5: propose new soft prompts, and write the instructions that they lead to."""
        proposals = self._affordable(self.optimizer.ask(self._remaining()))
        number = len(self._history.rounds)
        self.observer.writing_started(number, len(proposals))
        writings, usage = self.writer.write(proposals, self._history.rewrites)
        candidates = [Candidate(*pair) for pair in zip(proposals, writings, strict=True)]
        chosen = self._chosen(candidates, self._room(self.validation.questions, usage))
        self.journal.add_round(candidates, chosen, usage, of_writer=self.writer.has_account)
        self.observer.writing_finished(number, writings)

    def _chosen(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions that the optimizer chooses; it sees no candidate without an instruction."""
        written = [position for position, candidate in enumerate(candidates) if candidate.instruction]
        if not written:
            return []
        chosen = self.optimizer.choose([candidates[position] for position in written], limit)
        return [written[position] for position in chosen]

    def _evaluate_pending(self) -> None:
        """Lines 6–7: score the chosen instructions, and record their scores.

        Instructions in a race are scored as a whole round, even if a part of it is recorded already: the scores that
        the others must beat must not depend on where a run was interrupted. Cached answers are reused.
        """
        current = self._history.rounds[-1]
        results = self._evaluations(current)
        for position, evaluation in enumerate(results):
            if (current.number, position) in self._history.pending:
                self.observer.trial_finished(self.journal.add_trial(evaluation))

    def _tell(self, round_: Round) -> None:
        """Line 8: give the scores of a whole round to the optimizer, and the texts that were not evaluated."""
        trials = self._history.trials_of(round_.number)
        self.optimizer.tell([self.objective.adjusted(trial) for trial in trials], round_.unpaid)

    @property
    def _history(self) -> History:
        return self.journal.history

    def _score_references(self) -> None:
        """Score the references of the search: the plain instruction, and the user's own."""
        baseline = self.finale.baseline
        if self._history.plain is None:
            (writing,), _ = self.writer.write([Proposal(None)])
            (evaluation,) = self.validation.whole([writing.instruction])
            self.journal.set_plain(writing, evaluation)
        if baseline is not None and self._history.baseline is None:
            known = self._history.known_evaluations()
            evaluation = _for_free(known[baseline]) if baseline in known else next(self.validation.whole([baseline]))
            self.journal.set_baseline(baseline, evaluation)
        self.observer.plain_finished(*self._plain())

    def _score_starts(self) -> None:
        """Record and score the user's instructions as a round before the first that the optimizer proposes.

        They do not hold back what the finale needs: it cannot do without their scores.
        """
        history = self._history
        if not self.finale.starts or len(history.rounds) > 1 or (history.rounds and not history.pending):
            return
        if not history.rounds:
            given = [Candidate(Proposal(None, given=text), Writing(text, text)) for text in self.finale.starts]
            self.journal.add_round(given, range(len(given)))
        self._evaluate_pending()
        self._tell(history.rounds[0])

    def _replay(self) -> None:
        """Give the recorded whole rounds to the optimizer, and all recorded trials to the observer."""
        rounds = self._history.rounds
        for round_ in rounds[:-1] if self._history.pending else rounds:
            self._tell(round_)
        for trial in self._history.trials:
            self.observer.trial_finished(trial)

    def _is_over(self) -> bool:
        """Return True if no new instruction is left, or none that could win, and report which."""
        if is_exhausted(self._history.rounds):
            self.observer.search_stopped(EXHAUSTED)
            return True
        if not self.stop_early:
            return False
        examples, contenders = self.validation.questions, self.finale.contenders
        reason = nothing_better(self._history.trials, self.objective, examples, contenders)
        if reason is not None:
            self.observer.search_stopped(reason)
        return reason is not None

    def _record_cut_short(self) -> None:
        """Record instructions that were scored completely before a limit stopped their race: they may win the run."""
        for text, evaluation in self.validation.cut_short.items():
            if text not in self._history.known_evaluations():
                self.journal.add_cut_short(text, _for_free(evaluation))

    def _remaining(self) -> int:
        """Return the number of evaluations that may be started whose texts are not written yet."""
        return self._room(self.validation.questions + self.writer.calls_per_rewrite)

    def _room(self, calls_per_evaluation: int, written: Usage | None = None) -> int:
        """Return the number of evaluations that fit into the limits, after the usage for ``written`` texts is paid."""
        left = self.evaluations - len(self._history.trials)
        calls = self._calls_left()
        if calls is None:
            return left
        return max(0, min(left, (calls - (written.calls if written else 0)) // calls_per_evaluation))

    def _calls_left(self) -> int | None:
        """Return the calls that the search may still make; None if it has no limit of its own."""
        return None if self.search_calls is None else self.search_calls - self._history.search_usage().calls

    def _affordable(self, proposals: list[Proposal]) -> list[Proposal]:
        """Return the first proposals, as many as can be written with enough calls left for one evaluation."""
        calls = self._calls_left()
        if calls is None or not self.writer.calls_per_rewrite:
            return proposals
        requests = (calls - self.validation.questions) // self.writer.calls_per_rewrite
        return proposals[: bisect_right(_requests(proposals), requests)]

    def _evaluations(self, current: Round) -> Iterator[Evaluation]:
        """Yield results in order; an instruction that was scored before keeps its scores and costs nothing."""
        instructions = [candidate.instruction for candidate in current.planned]
        known = self._history.known_evaluations(before_round=current.number)
        fresh = [text for text in dict.fromkeys(instructions) if text not in known]
        results = self._scored(current, fresh, known) if fresh else iter(())
        for text in instructions:
            if text in known:
                yield _for_free(known[text])
            else:
                known[text] = next(results)
                yield known[text]

    def _scored(self, current: Round, texts: Sequence[str], known: Mapping[str, Evaluation]) -> Iterator[Evaluation]:
        """Yield the results of new ``texts`` of a round, in order; ``known`` are those of earlier instructions.

        Instructions that the user gave take part in no race: they are scored on all examples.
        """
        if any(candidate.proposal.given is not None for candidate in current.candidates):
            return self.validation.whole(texts)
        values = [self.objective.value(*scored) for scored in known.items() if self.validation.is_complete(scored[1])]
        return self.validation.score(texts, values)

    def _plain(self) -> tuple[Writing, Evaluation]:
        plain = self._history.plain
        if plain is None:
            raise RuntimeError("the plain instruction is scored before it is used")
        return plain

    def _ranked(self) -> list[str]:
        """Return all instructions with complete results, the best first.

        Among equals, the references come first, the user's own instruction before the plain one, and then the earliest
        trial: an instruction that is only as good is no reason to change.
        """
        history = self._history
        scored = [history.baseline] if history.baseline else []
        scored.append((self._plain()[0].instruction, self._plain()[1]))
        scored += [(trial.instruction, trial.evaluation) for trial in history.trials]
        scored += history.cut_short.items()
        complete = [(text, evaluation) for text, evaluation in scored if self.validation.is_complete(evaluation)]
        complete.sort(key=lambda pair: -self.objective.value(*pair))
        return list(dict.fromkeys(text for text, _ in complete))

    def _result(self, selection: Selection) -> Result:
        history, baseline, challenger = self._history, self.finale.baseline, selection.challenger
        return Result(
            best=self.finale.scored(selection.winner),
            plain=self.finale.scored(self._plain()[0].instruction),
            baseline=None if baseline is None else self.finale.scored(baseline),
            starts=tuple(map(self.finale.scored, selection.starts)),
            challenger=None if challenger is None else self.finale.scored(challenger),
            trials=tuple(history.trials),
            usage=history.usage(),
            leaks=self.finale.leaks(selection.winner),
        )


def _requests(proposals: Sequence[Proposal]) -> list[int]:
    """Return the numbers of requests for the first one, two, and more proposals; a shared request counts once."""
    orders = [proposal.rewrite and proposal.rewrite.request for proposal in proposals]
    shared = [order is not None and order.parts > 1 and order in orders[:place] for place, order in enumerate(orders)]
    return list(accumulate(not known for known in shared))


def _for_free(evaluation: Evaluation) -> Evaluation:
    """Return the same results without usage."""
    return replace(evaluation, usage=Usage())
