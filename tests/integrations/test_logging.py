"""A display and trackers as observers of one run."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from instructzero.api import run_settings
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.integrations.logging import TRACKERS, FanOut, logging_to
from instructzero.progress import Tally
from instructzero.records.observers import Observer
from instructzero.types import Trial
from tests.integrations.runs import EXPECTED, PLAN, tell
from tests.integrations.test_trial_logger import Notebook


class Broken(Notebook):
    """A tracker that fails at one trial, with its key in the message."""

    def trial_finished(self, trial: Trial) -> None:
        if trial.number == 1:
            raise ConnectionError("401 for key sk-secret")
        super().trial_finished(trial)


class Closed(Notebook):
    def open(self) -> int:
        raise PermissionError("no login for sk-secret")


def test_fan_out_passes_run_to_display_and_trackers() -> None:
    display, one, other = Tally(), Notebook(), Notebook()
    with FanOut(display, {"one": one, "other": other}) as observer:
        tell(observer)
    assert one.numbers == other.numbers == EXPECTED
    assert (display.evaluations, display.stage) == (4, "done")
    assert (one.ends, other.ends) == ([True], [True])


def test_fan_out_passes_all_events_to_display() -> None:
    received: list[str] = []

    class Display(Observer):
        def __getattribute__(self, name: str) -> object:
            received.append(name)
            return super().__getattribute__(name)

    events = [name for name, _ in inspect.getmembers(Observer, inspect.isfunction) if not name.startswith("_")]
    fan_out = FanOut(Display(), {})
    for name in events:
        arguments = [None] * (len(inspect.signature(getattr(Observer, name)).parameters) - 1)
        getattr(fan_out, name)(*arguments)
    assert received == events


def test_failing_tracker_is_dropped_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    broken, notebook = Broken(), Notebook()
    with FanOut(Observer(), {"broken": broken, "notebook": notebook}) as observer:
        tell(observer)
    assert notebook.numbers == EXPECTED
    assert broken.numbers["score"] == [(0, 0.0)]
    said = capsys.readouterr().err
    assert said.count("warning: broken failed with ConnectionError; the run continues without it") == 1
    assert "sk-secret" not in said


def test_tracker_that_cannot_start_stops_run() -> None:
    with pytest.raises(ConfigurationError, match="expected wandb to start a log") as caught:
        FanOut(Observer(), {"wandb": Closed()}).run_started(PLAN)
    assert "sk-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_error_of_run_closes_trackers_as_interrupted() -> None:
    notebook = Notebook()
    with pytest.raises(ZeroDivisionError), FanOut(Observer(), {"notebook": notebook}):
        raise ZeroDivisionError
    assert notebook.ends == [False]


def test_logging_to_without_trackers_yields_display(tmp_path: Path) -> None:
    display = Observer()
    with logging_to((), display, make_settings({"task": "words"}), tmp_path) as observer:
        assert observer is display


def test_unknown_tracker_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="expected --log-to tensorboard, mlflow, wandb, got 'paper'"),
        logging_to(["paper"], Observer(), make_settings({"task": "words"}), tmp_path),
    ):
        pass


@pytest.mark.parametrize("name", TRACKERS)
def test_tracker_without_package_is_refused(name: str) -> None:
    code = (
        f"import sys; sys.modules['{name}'] = None\n"
        "from pathlib import Path\n"
        "from instructzero.config import make_settings\n"
        "from instructzero.errors import ConfigurationError\n"
        "from instructzero.integrations.logging import make_logger\n"
        f"try: make_logger('{name}', make_settings({{'task': 'words'}}), Path('run'))\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = f"expected the package {name} for --log-to {name}, but it is not installed; "
    assert done.stdout == f"{said}pip install 'instructzero[{name}]'\n"


def test_trackers_do_not_change_journal(scripted: dict[str, object], tmp_path: Path) -> None:
    settings = make_settings(scripted)
    run_settings(settings, tmp_path / "alone", Observer())
    notebook = Notebook()
    with FanOut(Observer(), {"notebook": notebook, "broken": Broken()}) as observer:
        run_settings(settings, tmp_path / "watched", observer)
    journals = [(tmp_path / name / "journal.jsonl").read_bytes() for name in ("alone", "watched")]
    assert journals[0] == journals[1]
    assert len(notebook.numbers["score"]) == journals[1].count(b'"kind":"trial"') > 1
