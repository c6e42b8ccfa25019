"""Scores of a run in Weights & Biases, configured by WANDB_MODE, WANDB_PROJECT and the client's other variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instructzero.config import Settings
from instructzero.integrations.trial_logger import TrialLogger, missing
from instructzero.records.directory import RunDirectory

try:
    import wandb as client
except ImportError:
    raise missing("wandb") from None

PROJECT = "instructzero"


class WandbLogger(TrialLogger):
    """Logs settings as the configuration, numbers by step and the best instruction in the summary.

    A resumed run continues in its own W&B run if that is online; offline, it starts another.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        self._run: Any = None

    def open(self) -> int:
        """Create the W&B run of this run directory, or continue it."""
        self._run = client.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=self.directory.name,
            id=RunDirectory(self.directory).identity,
            dir=str(self.directory),
            config=self.settings.model_dump(mode="json"),
            resume=None if os.environ.get("WANDB_MODE") == "offline" else "allow",
            settings=client.Settings(console="off"),  # keep the live display out of the log
        )
        return int(self._run.step)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics."""
        if self._run is not None:
            self._run.log(dict(values), step=step)

    def note(self, name: str, text: str, step: int) -> None:
        """Set an entry of the summary."""
        if self._run is not None:
            self._run.summary[name] = text

    def close(self, *, finished: bool) -> None:
        """Finish the W&B run, with an exit code of 1 if the run did not finish."""
        if self._run is not None:
            self._run.finish(exit_code=0 if finished else 1)
