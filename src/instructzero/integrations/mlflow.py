"""Scores of a run in MLflow, in the experiment ``instructzero`` at the address in MLFLOW_TRACKING_URI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instructzero.config import Settings
from instructzero.integrations.trial_logger import SCORE, TrialLogger, missing
from instructzero.records.directory import RunDirectory

try:
    from mlflow import MlflowClient
    from mlflow.entities import Param
except ImportError:
    raise missing("mlflow") from None

EXPERIMENT = "instructzero"
_IDENTITY = "instructzero.run"
_LONGEST = 5000  # characters in a tag or a parameter that every version of a tracking server accepts


class MlflowLogger(TrialLogger):
    """Logs settings as parameters, numbers as metrics and the best instruction as a tag.

    A resumed run continues in its own MLflow run.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        self._client: Any = MlflowClient()
        self._run: str | None = None

    def open(self) -> int:
        """Find the MLflow run of this run directory, or create one with the settings as parameters."""
        identity = RunDirectory(self.directory).identity
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        known = self._client.search_runs([experiment], f"tags.`{_IDENTITY}` = '{identity}'", max_results=1)
        if known:
            self._run = known[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            steps = [entry.step for entry in self._client.get_metric_history(self._run, SCORE)]
            return max(steps, default=-1) + 1
        run = self._client.create_run(experiment, run_name=self.directory.name, tags={_IDENTITY: identity})
        self._run = run.info.run_id
        settings = self.settings.model_dump(mode="json", exclude_none=True)
        self._client.log_batch(self._run, params=[Param(name, _short(str(value))) for name, value in settings.items()])
        return 0

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics."""
        if self._run is not None:
            for name, value in values.items():
                self._client.log_metric(self._run, name, value, step=step)

    def note(self, name: str, text: str, step: int) -> None:
        """Set a tag."""
        if self._run is not None:
            self._client.set_tag(self._run, name, _short(text))

    def close(self, *, finished: bool) -> None:
        """Mark the MLflow run as finished or killed."""
        if self._run is not None:
            self._client.set_terminated(self._run, "FINISHED" if finished else "KILLED")


def _short(text: str) -> str:
    return text[:_LONGEST]
