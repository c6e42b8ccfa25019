"""The record that describes a task of the corpus."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

Answers = tuple[str, ...]


@dataclass(frozen=True)
class TaskSpec:
    """A task: a generator of inputs, the answers, and the wordings of its instruction.

    `answer` accepts any text and returns None if the task does not apply to it, so that an instruction that may mean
    several tasks can be resolved for any input.
    """

    name: str
    description: str
    draw: Callable[[Random], str]  # an input for training (may be artificial, such as a made-up word)
    answer: Callable[[str], Answers | None]  # all accepted answers, the one used in training first
    good: Answers  # patterns of clear instructions, see `grammar.expand`
    siblings: Answers = ()  # tasks a hedged instruction may be mistaken for
    plain_family: str = ""  # the vague family of the instruction written without a soft prompt
    metric: str = "exact_match"
    natural: Callable[[Random], str] | None = None  # an input for the task file, if different from `draw`
    table: Answers = ()  # all inputs of a closed task; empty for a procedural one
    weight: float = 1.0  # share of the black box's training rows
    shipped: bool = True  # False: without a task file; it only makes vague instructions ambiguous
    key: Callable[[str], str] = str  # equal for equivalent inputs, such as a list in two orders
    texts: Callable[[], Iterable[str]] = tuple  # the content of its tables; these words become tokens of the black box

    @property
    def is_closed(self) -> bool:
        """True if the task is a table of facts, which cannot be answered without training on it."""
        return bool(self.table)
