"""The values that flow through a run. All of them are immutable, so sequences are tuples."""

from instructzero.types.answers import Completion, Finish, Message, Request, Usage
from instructzero.types.examples import NO_CELLS, Cells, Example
from instructzero.types.trials import Candidate, Evaluation, Incomplete, Proposal, Rewrite, Trial, Writing

__all__ = [
    "NO_CELLS",
    "Candidate",
    "Cells",
    "Completion",
    "Evaluation",
    "Example",
    "Finish",
    "Incomplete",
    "Message",
    "Proposal",
    "Request",
    "Rewrite",
    "Trial",
    "Usage",
    "Writing",
]
