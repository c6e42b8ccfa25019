"""The forms of values in the help, and the choices that the command line repeats from other modules."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from instructzero.bench.paper import PLANS
from instructzero.bench.plan import Plan
from instructzero.cli.options import ENGINES, FIGURES, FORMATS, TRACKERS, braced, method_names
from instructzero.cli.settings_flags import choices_of, form_of
from instructzero.config import Settings, panel_of
from instructzero.exports.command import FIGURES as FOLDER_OF_FIGURES
from instructzero.exports.command import FORMATS as EXPORTS
from instructzero.integrations.logging import TRACKERS as LOGGERS
from tests.command_line import Call


def test_repeated_choices_equal_their_sources() -> None:
    assert get_args(Plan.model_fields["engine"].annotation) == ENGINES
    assert tuple(PLANS) == FIGURES
    assert (*EXPORTS, FOLDER_OF_FIGURES) == FORMATS
    assert tuple(LOGGERS) == TRACKERS


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("task", "TASK"),
        ("blackbox", "MODEL"),
        ("base_url", "URL"),
        ("data_dir", "FOLDER"),
        ("test_data", "FILE"),
        ("exemplars", "N"),
        ("temperature", "NUMBER"),
        ("max_time", "SECONDS"),
        ("max_usd", "DOLLARS"),
        ("judge_criteria", "TEXT"),
        ("seed", "SEED"),
        ("racing", "{yes,no}"),
        ("kernel", "{coupled,corrected,standard}"),
    ],
)
def test_form_of_setting_names_type_or_choices(name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert form_of(name) == form


def test_all_settings_have_a_form() -> None:
    for name in Settings.model_fields:
        assert re.fullmatch(r"[A-Z_:]+|\{[\w,\n-]+\}", form_of(name)), name


def test_choices_of_method_are_registered_methods() -> None:
    assert choices_of("method") == method_names()
    assert {"instructzero", "paper", "ape"} <= set(method_names())


def test_braced_wraps_choices_in_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert braced(["coupled", "corrected", "standard"]) == "{coupled,corrected,\nstandard}"
    assert braced(["coupled"]) == "{coupled}"


def test_hardware_settings_have_a_panel_of_their_own() -> None:
    assert [name for name in Settings.model_fields if panel_of(name) == "Hardware"] == ["device", "dtype", "batch_size"]


@pytest.mark.parametrize("width", [80, 200])
def test_help_names_choices_of_flags(command_line: Call, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for arguments, choices in (
        (("export",), FORMATS),
        (("bench",), (*FIGURES, *ENGINES)),
        (("resume",), TRACKERS),
    ):
        code, out, _ = command_line(*arguments, "--help")
        assert code == 0
        assert set(choices) <= set(re.findall(r"[\w-]+", out))
