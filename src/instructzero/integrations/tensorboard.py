"""Scores of a run in TensorBoard: ``tensorboard --logdir runs`` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from instructzero.config import Settings
from instructzero.integrations.trial_logger import TrialLogger, missing

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:
    raise missing("tensorboard") from None


class TensorBoardLogger(TrialLogger):
    """Writes event files into the folder ``tensorboard`` of the run directory.

    A resumed run writes a new file whose events replace the older ones.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        self._writer: SummaryWriter | None = None

    def open(self) -> int:
        """Open a new event file that replaces all earlier steps."""
        self._writer = SummaryWriter(str(self.directory / "tensorboard"), purge_step=0)
        return 0

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log scalars."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def note(self, name: str, text: str, step: int) -> None:
        """Log a text."""
        if self._writer is not None:
            self._writer.add_text(name, text, step)

    def close(self, *, finished: bool) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()
