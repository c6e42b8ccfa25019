"""The search itself: Algorithm 1 of the paper, with every step recorded before the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instructzero.evaluator import Evaluator
from instructzero.journal import Journal, Round
from instructzero.observers import Observer
from instructzero.optimizers import Optimizer
from instructzero.result import Result, Scored
from instructzero.tasks import Task
from instructzero.types import Candidate, Evaluation, Proposal, Usage, Writing
from instructzero.writer import Writer

FRUITLESS_ROUNDS = 3
"""After so many rounds in which the writer wrote nothing new, the search has seen what there is."""


@dataclass(frozen=True)
class Search:
    """One run: ask → write → evaluate → record → tell, until the evaluations are spent.

    A journal with content is continued: what it holds is told to the optimiser, not done again. Stopped at any
    moment and run again, it ends with the same journal and repeats no call to the black box.
    """

    task: Task
    optimizer: Optimizer
    writer: Writer
    evaluator: Evaluator
    journal: Journal
    evaluations: int
    observer: Observer

    def run(self) -> Result:
        """Run to the end; raises what the models, the endpoint or the disk raise, with everything paid recorded."""
        self._score_plain()
        self._replay()
        while self._remaining() and not self._exhausted():
            if not self.journal.history.pending:
                self._propose()
            self._evaluate_pending()
            self._tell(self.journal.history.rounds[-1])
        self._test()
        self.observer.run_finished()
        return self._result()

    def _remaining(self) -> int:
        return self.evaluations - len(self.journal.history.trials)

    def _score_plain(self) -> None:
        """The instruction that the writer gives without a soft prompt: what the search has to beat."""
        if self.journal.history.plain is None:
            (writing,) = self.writer.write([Proposal(None)])
            (evaluation,) = self.evaluator.evaluate([writing.instruction], self.task.validation)
            self.journal.set_plain(writing, evaluation)
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
        self.optimizer.tell(self.journal.history.trials_of(each.number), each.unpaid)

    def _exhausted(self) -> bool:
        """Whether the last rounds found nothing new to evaluate."""
        last = self.journal.history.rounds[-FRUITLESS_ROUNDS:]
        return len(last) == FRUITLESS_ROUNDS and not any(each.chosen for each in last)

    def _propose(self) -> None:
        """Lines 3–5 of Algorithm 1: new soft prompts, and the instructions that the writer makes of them."""
        proposals = self.optimizer.ask(self._remaining())
        number = len(self.journal.history.rounds)
        self.observer.writing_started(number, len(proposals))
        writings = self.writer.write(proposals)
        candidates = [Candidate(*pair) for pair in zip(proposals, writings, strict=True)]
        self.journal.add_round(candidates, self.optimizer.choose(candidates, self._remaining()))
        self.observer.writing_finished(number, writings)

    def _evaluate_pending(self) -> None:
        """Lines 6–7: score the chosen instructions."""
        writings = [candidate.writing for candidate in self.journal.history.pending]
        for evaluation in self._evaluations(writings):
            self.observer.trial_finished(self.journal.add_trial(evaluation))

    def _evaluations(self, writings: Sequence[Writing]) -> Iterator[Evaluation]:
        """Results in order; an instruction that was scored before keeps its scores and costs nothing."""
        known = self.journal.history.known_evaluations()
        fresh = [text for text in dict.fromkeys(each.instruction for each in writings) if text not in known]
        results = iter(self.evaluator.evaluate(fresh, self.task.validation)) if fresh else iter(())
        for writing in writings:
            if writing.instruction in known:
                yield _for_free(known[writing.instruction])
            else:
                known[writing.instruction] = next(results)
                yield known[writing.instruction]

    def _test(self) -> None:
        """Score the best and the plain instruction on the held-out examples."""
        subjects = {"best": self._best()[0], "plain": self._plain()[0].instruction}
        missing = {name: text for name, text in subjects.items() if name not in self.journal.history.tests}
        if not missing:
            return
        texts = list(dict.fromkeys(subjects.values()))
        self.observer.testing_started(len(texts) * len(self.task.test))
        results = dict(zip(texts, self.evaluator.evaluate(texts, self.task.test), strict=True))
        counted: set[str] = set()
        for name, text in subjects.items():
            if name in missing:
                self.journal.add_test(name, _for_free(results[text]) if text in counted else results[text])
            counted.add(text)

    def _plain(self) -> tuple[Writing, Evaluation]:
        plain = self.journal.history.plain
        if plain is None:
            raise RuntimeError("the plain instruction is scored before it is used")
        return plain

    def _best(self) -> tuple[str, Evaluation]:
        """The highest validation score; the earliest trial on ties, the plain instruction only when higher."""
        writing, evaluation = self._plain()
        best = max(self.journal.history.trials, key=lambda trial: trial.score)
        if evaluation.mean > best.score:
            return writing.instruction, evaluation
        return best.instruction, best.evaluation

    def _result(self) -> Result:
        history = self.journal.history
        instruction, validation = self._best()
        writing, plain_validation = self._plain()
        return Result(
            best=Scored(instruction, validation, history.tests["best"]),
            plain=Scored(writing.instruction, plain_validation, history.tests["plain"]),
            trials=tuple(history.trials),
            usage=history.usage(),
        )


def _for_free(evaluation: Evaluation) -> Evaluation:
    return Evaluation(evaluation.scores, evaluation.predictions, Usage())
