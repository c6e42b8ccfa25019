"""Scores of a whole set of answers: balanced accuracy, macro F1 and Matthews correlation.

Notation of `instructzero.tasks.classification.confusion`, with n = Σ C examples and a score θ = θ(C).

**Credits.** The search needs a number for each example: a race looks at the first ones only, and a surrogate aligns
instructions by example. An answer has the credit 1 if it is right, and 1 − L_gs if it names s instead of g, with
losses L such that Σ C_gs L_gs = n (1 − θ). So the mean credit is θ itself:

    balanced accuracy   L_gs = n / (K N_g)                                      K labels with N > 0
    macro F1            L_gs = n (1 / (N_g + P_g) + 1 / (N_s + P_s)) / K        K labels with N + P > 0
    Matthews            L_gs = n (1 − θ) / errors

The second follows from 1 − F1_c = (errors of c) / (N_c + P_c); an answer that names no label has the first term only.
For the first k examples, C is not known. It is estimated: each row is scaled to the N_g of all examples, and labels
that have not been asked for yet count as right. The losses of balanced accuracy depend on the labels of the examples
alone, so that its credits are exact from the first example on, and those of all instructions are comparable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from instructzero.tasks.classification.confusion import Confusion, Pair
from instructzero.tasks.classification.labels import as_label, label_of
from instructzero.tasks.metric import Metric
from instructzero.tasks.metrics.choice import ChoiceMetric
from instructzero.types import Example

if TYPE_CHECKING:  # numpy is imported where it is used, so that listing the metrics stays fast
    from instructzero.statistics import Interval, PairedTest


@dataclass(frozen=True)
class Outcomes:
    """The labels of examples and of the answers to them, and the score of the set.

    >>> outcomes = Outcomes("balanced_accuracy", (("ham", "ham"), ("ham", "ham"), ("ham", "ham"), ("spam", "ham")))
    >>> outcomes.value, [round(credit, 2) for credit in outcomes.credits()]
    (0.5, [1.0, 1.0, 1.0, -1.0])

    Parameters
    ----------
    measure
        The name of the score, one of `instructzero.tasks.classification.set_scores.MEASURES`.
    pairs
        The pair of each example, in the order of the examples.
    """

    measure: str
    pairs: tuple[Pair, ...]

    def __add__(self, more: Outcomes) -> Outcomes:
        return replace(self, pairs=self.pairs + more.pairs)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the examples."""
        return tuple(label for label, _ in self.pairs)

    @cached_property
    def value(self) -> float:
        """θ, the score of the set: in [0, 1], or in [−1, 1] for Matthews correlation."""
        from instructzero.tasks.classification.set_scores import value

        return value(self.measure, self.pairs)

    def credits(self, labels: Sequence[str] = ()) -> tuple[float, ...]:
        """Return the credits of the answers, at most 1 and possibly negative; see the module's docstring.

        ``labels`` are those of all examples of the set, if these are only the first of them.
        """
        from instructzero.tasks.classification.set_scores import expected_losses

        losses, place = expected_losses(self.measure, self.pairs, labels)
        credit = {
            (label, said): 1.0 if label == said else 1.0 - float(losses[place[label], place[said]])
            for label, said in set(self.pairs)
        }
        return tuple(credit[pair] for pair in self.pairs)

    def lowest_credit(self, labels: Sequence[str] = ()) -> float:
        """Return a number that no credit is below, less than 1."""
        from instructzero.tasks.classification.set_scores import expected_losses

        losses, _ = expected_losses(self.measure, self.pairs, labels)
        return 1.0 - float(losses.max())

    def interval(self, level: float = 0.95) -> Interval:
        """Return the confidence interval of the score, by a bootstrap over the examples of each label."""
        from instructzero.tasks.classification.set_scores import interval

        return interval(self.measure, self.pairs, level)

    def compare(self, other: Outcomes, level: float = 0.95) -> PairedTest:
        """Return the paired test of this score against that of ``other``, which are outcomes on the same examples."""
        from instructzero.tasks.classification.set_scores import compare

        return compare(self.measure, self.pairs, other.pairs, level)


@dataclass(frozen=True)
class LabelMetric(Metric):
    """Scores the answers to a set of examples as a classification, by the rules of ``choice``.

    The score of one answer is that of ``choice``. The score of a set is that of `outcomes`.

    >>> metric = LabelMetric("balanced_accuracy", ChoiceMetric("choice", ("ham", "spam")))
    >>> metric.outcomes(["It is spam.", "No idea"], [Example("Win!", ("spam",)), Example("Hi", ("ham",))]).pairs
    (('spam', 'spam'), ('ham', None))

    Parameters
    ----------
    name
        The name of the score.
    choice
        Decides which label an answer names.
    """

    choice: ChoiceMetric

    def __call__(self, prediction: str, outputs: Sequence[str]) -> float:
        """Return 1 if ``prediction`` names an accepted label and no other, else 0."""
        return self.choice(prediction, outputs)

    def score(self, prediction: str, answer: str) -> float:
        """Return the score of ``prediction`` with ``answer`` as the only accepted answer."""
        return self.choice.score(prediction, answer)

    def bind(self, examples: Iterable[Example]) -> LabelMetric:
        """Return this metric with the accepted answers of ``examples`` as its labels."""
        return replace(self, choice=self.choice.bind(examples))

    @property
    def scores_sets(self) -> bool:
        """True: the score of a set of answers is no mean over them."""
        return True

    def outcomes(self, predictions: Sequence[str], examples: Sequence[Example]) -> Outcomes:
        """Return the labels of the examples, and those that the predictions name."""
        pairs = zip(predictions, examples, strict=True)
        return Outcomes(self.name, tuple(pair_of(self.choice, prediction, example) for prediction, example in pairs))


def pair_of(choice: ChoiceMetric, prediction: str, example: Example) -> Pair:
    """Return the label of an example and the label that the prediction names, by the rules of ``choice``.

    A prediction that is right names the label of the example, also by another word for it. One that names no label, or
    several, has None.
    """
    right = label_of(example)
    if choice(prediction, example.outputs):
        return right, right
    named = {as_label(option) for option in choice.options if choice(prediction, (option,))}
    return right, named.pop() if len(named) == 1 else None


def confusion_of(predictions: Sequence[str], examples: Sequence[Example], known: Iterable[Example]) -> Confusion:
    """Return the confusion matrix of the labels that the predictions name, by the rules of ``choice``.

    The labels are those of all ``known`` examples.
    """
    choice = ChoiceMetric("choice").bind(known)
    return Confusion.of(pair_of(choice, *pair) for pair in zip(predictions, examples, strict=True))
