"""The errors that instructzero raises on purpose.

    InstructZeroError                the command line prints it as one sentence, with exit code 2
    ├── UserError                    something to fix in the input
    │   ├── ConfigurationError       a setting: unknown key, impossible value, other settings in the directory
    │   ├── TaskError                the data: missing file, malformed line, unknown column, too few examples
    │   ├── ModelError               a model: unknown id or folder, no embeddings access, wrong key
    │   │   └── RefusedQuestion      one question is refused, others may be answered: its content, its length
    │   ├── RunDirectoryError        the directory: unwritable, full disk, damaged journal
    │   └── OtherRun                 the directory holds a run that cannot be continued so; one of the two above
    ├── EndpointError                the black box does not answer; paid answers are stored, resume later
    │   ├── TransientError           one attempt failed, the next one may succeed
    │   └── TooManyFailures          too many examples get no answer; raise --max-failures and resume
    └── BudgetExhausted              a limit of calls, dollars, tokens or time is reached; raise it and resume

Every message says what was expected, what came, and what to do.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from threading import RLock
from typing import Self

LONGEST_MESSAGE = 499
"""The maximum number of characters of a message."""

_END = 150  # characters of its end, which says what to do


_filtering = RLock()


@contextmanager
def ignoring_warnings(message: str = "") -> Iterator[None]:
    """Ignore the warnings of other libraries that begin with the regular expression ``message`` in the block.

    The filters of warnings belong to the whole process, so threads take turns: each would restore those of another.
    """
    with _filtering, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message)
        yield


def shortened(message: str) -> str:
    """Return a message with its middle cut out if it is too long, as one is that quotes a long text of a stranger.

    >>> len(shortened("expected a name, got " + 1000 * "x" + "; choose another"))
    499
    """
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE - _END - 3]} … {message[-_END:]}"


class InstructZeroError(Exception):
    """Base of all errors raised on purpose; its text is one clear sentence for the user.

    ``appendix`` are whole lines below it, such as commands to choose from; they are not shortened.
    """

    appendix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([shortened(super().__str__()), *self.appendix])

    def followed_by(self, *lines: str) -> Self:
        """Return the same error with lines below its sentence."""
        self.appendix = lines
        return self


class UserError(InstructZeroError):
    """Something in the input is wrong, and the user can fix it."""


class ConfigurationError(UserError):
    """A setting is unknown, impossible, or differs from the run directory's."""


class TaskError(UserError):
    """The task's data cannot be loaded, split or scored."""


class ModelError(UserError):
    """A model cannot be found, loaded or used as asked."""


class RefusedQuestion(ModelError):
    """A black box refuses one question, and may answer others.

    Parameters
    ----------
    message
        The sentence for the user, for the case that it refuses all questions.
    reason
        The same in a few words, for a list of the examples that failed.
    about_content
        True if the refusal names the content or the length of the question. Otherwise, the fault may be in what all
        questions have in common.
    at_limit
        True if the model has worked on the question and used all tokens before it answered.
    """

    def __init__(self, message: str, *, reason: str, about_content: bool, at_limit: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.about_content = about_content
        self.at_limit = at_limit


class RunDirectoryError(UserError):
    """The run directory cannot be written or its journal is damaged."""


class UnwritableStore(RunDirectoryError):
    """The call store cannot be written now, such as on a full disk, or while another process holds it."""


class OtherRun(ConfigurationError, RunDirectoryError):
    """The directory holds a run that cannot be continued with what is asked for.

    Parameters
    ----------
    path
        The directory.
    difference
        The difference, as a clause without a full stop.
    ways
        The ways on, as a clause without a full stop.
    resumable
        True if the run in the directory can be continued as it is.
    """

    def __init__(
        self,
        path: Path,
        difference: str,
        ways: str = "name another directory (--out), begin anew in this one with its stored answers (--overwrite), or "
        "restore the old value",
        *,
        resumable: bool = True,
    ) -> None:
        super().__init__(f"{path} holds another run ({difference}); {ways}")
        self.path = path
        self.difference = difference
        self.resumable = resumable


class EndpointError(InstructZeroError):
    """The black box failed after retries; the run can be resumed without repeating a paid call."""


class TransientError(EndpointError):
    """One attempt at the black box failed, and another one may succeed.

    Parameters
    ----------
    message
        The sentence for the user.
    retry_after
        Seconds that the server asked to wait.
    throttled
        The server refused the request because of a rate limit.
    overloaded
        The server refused the request because of its load; always True with ``throttled``.
    quota_used_up
        The rate limit is that of a day or longer, so that waiting for a minute is of no use.
    maybe_paid
        The server may have billed an answer that did not arrive.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        throttled: bool = False,
        overloaded: bool = False,
        quota_used_up: bool = False,
        maybe_paid: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.throttled = throttled
        self.overloaded = overloaded or throttled
        self.quota_used_up = quota_used_up
        self.maybe_paid = maybe_paid


class TooManyFailures(EndpointError):
    """More examples got no answer than the user accepts; the run can be resumed with a larger share of failures."""


class BudgetExhausted(InstructZeroError):
    """A limit of the user is reached; the run can be resumed with a higher limit."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name in ``names`` that is most like ``name``, for "did you mean ...?"; None if none is like it.

    >>> nearest("antonims", ["antonyms", "sum"])
    'antonyms'
    """
    found = get_close_matches(name, list(names), n=1)
    return found[0] if found else None
