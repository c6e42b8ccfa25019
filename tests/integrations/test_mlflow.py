"""A file store of MLflow, read back with its client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from instructzero.config import make_settings
from tests.integrations.runs import EXPECTED, tell

pytestmark = pytest.mark.filterwarnings("ignore")
client_of = pytest.importorskip("mlflow").MlflowClient
from instructzero.integrations.mlflow import EXPERIMENT, MlflowLogger  # noqa: E402


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    return tmp_path / "run"


def only_run() -> Any:
    client = client_of()
    (run,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    return run


@pytest.mark.parametrize("parts", [(4,), (2, 4)])
def test_run_holds_numbers_settings_and_best_instruction(store: Path, parts: tuple[int, ...]) -> None:
    store.mkdir()
    for trials in parts:
        with MlflowLogger(make_settings({"task": "words", "seed": 3}), store) as logger:
            tell(logger, trials, finish=trials == 4)
    client = client_of()
    (run,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    found = {
        name: [(entry.step, entry.value) for entry in client.get_metric_history(run.info.run_id, name)]
        for name in EXPECTED
    }
    assert found == EXPECTED
    assert (run.data.params["seed"], run.data.tags["best_instruction"]) == ("3", "instruction 1")
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")


def test_interrupted_run_is_marked_as_killed(store: Path) -> None:
    store.mkdir()
    logger = MlflowLogger(make_settings({"task": "words"}), store)
    tell(logger, 1, finish=False)
    logger.__exit__(KeyboardInterrupt)
    assert only_run().info.status == "KILLED"
