"""The errors that instructzero raises on purpose.

    InstructZeroError                what the command line prints as one sentence, with exit code 2
    ├── UserError                    something to mend in what was asked
    │   ├── ConfigurationError       a setting: unknown key, impossible value, other settings in the directory
    │   ├── TaskError                the data: missing file, malformed line, unknown column, too few examples
    │   ├── ModelError               a model: unknown id or folder, no embeddings access, wrong key
    │   └── RunDirectoryError        the directory: unwritable, full disk, damaged journal
    ├── EndpointError                the black box stopped answering; what was paid is kept, resume later
    │   └── TransientError           one try failed and the next may not
    └── BudgetExhausted              a limit of calls, dollars, tokens or time is reached; raise it and resume

Every message names what was expected, what came, and the mend.
"""


class InstructZeroError(Exception):
    """Base of all errors raised on purpose; its text is one clear sentence for the user."""


class UserError(InstructZeroError):
    """Something in the input that the user can mend."""


class ConfigurationError(UserError):
    """A setting is unknown, impossible, or differs from the run directory's."""


class TaskError(UserError):
    """The task's data cannot be loaded, split or scored."""


class ModelError(UserError):
    """A model cannot be found, loaded or used as asked."""


class RunDirectoryError(UserError):
    """The run directory cannot be written or its journal is damaged."""


class EndpointError(InstructZeroError):
    """The black box failed after retries; the run can be resumed without repeating a paid call."""


class TransientError(EndpointError):
    """One try at the black box failed in a way that may pass.

    ``retry_after``: the seconds that the server asked to wait. ``throttled``: it said that requests come too fast.
    ``maybe_paid``: it may have done the work and billed it, although no answer came.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, throttled: bool = False, maybe_paid: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.throttled = throttled
        self.maybe_paid = maybe_paid


class BudgetExhausted(InstructZeroError):
    """What the user allowed to spend is spent; the run can be resumed with a higher limit."""
