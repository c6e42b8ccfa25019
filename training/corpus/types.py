"""The one record every task of the corpus is described by."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

Answers = tuple[str, ...]


@dataclass(frozen=True)
class TaskSpec:
    """A task: how to draw an input, how to answer it, and how an instruction for it may be worded.

    `answer` takes any text and returns None where the task makes no sense, so that an instruction that could
    mean several tasks can be resolved against whatever input comes with it.
    """

    name: str
    description: str
    draw: Callable[[Random], str]  # an input for training (may be artificial, such as a made-up word)
    answer: Callable[[str], Answers | None]  # every accepted answer, the taught one first
    good: Answers  # patterns of clear instructions, see `grammar.expand`
    siblings: Answers = ()  # tasks a hedged instruction may be mistaken for
    plain_family: str = ""  # the vague phrasing a writer gives when no soft prompt leans it anywhere
    metric: str = "exact_match"
    natural: Callable[[Random], str] | None = None  # an input for the task file, where it differs from `draw`
    table: Answers = ()  # all inputs of a closed task; empty for a procedural one
    weight: float = 1.0  # share of the black box's training rows
    shipped: bool = True  # False: only there to make vague instructions ambiguous
    key: Callable[[str], str] = str  # equal for inputs that ask the same, such as a list in two orders
    texts: Callable[[], Iterable[str]] = tuple  # what its tables hold; their words become tokens of the black box

    @property
    def is_closed(self) -> bool:
        """True where the task is a table of facts, which cannot be known without having been taught."""
        return bool(self.table)
