"""The file of the settings of a run: whatever is written can be read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from instructzero.config import make_settings, texts, yaml_text
from instructzero.config.yaml_file import check_storable
from instructzero.errors import ConfigurationError
from instructzero.records.directory import RunDirectory


def nested(depth: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"field": value}


@pytest.mark.parametrize(
    ("body", "words"),
    [(nested(52), "lists and mappings"), (nested(300), "too deep")],
    ids=["deep", "deeper"],
)
def test_setting_that_could_not_be_read_again_is_refused_before_there_is_a_directory(
    tmp_path: Path, body: dict[str, Any], words: str
) -> None:
    settings = make_settings({"task": "sum", "extra_body": body})
    with (
        pytest.raises(ConfigurationError, match=rf"^setting 'extra_body': expected .* got .*{words}.*; make it"),
        RunDirectory.claim(tmp_path / "run", settings),
    ):
        pass
    assert not (tmp_path / "run").exists()


def test_body_of_any_depth_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="'extra_body': expected fields of few lists"):
        make_settings({"task": "sum", "extra_body": nested(5000)})


def test_longest_setting_is_named_if_all_together_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "LONGEST", 10_000)
    with pytest.raises(ConfigurationError, match=r"'start': expected .* got more than 10,000 characters; make"):
        check_storable(
            make_settings({"task": "sum", "start": ["x" * 9_000]} | {"prompt": "{instruction} {input}" * 90})
        )


def test_settings_of_many_of_the_longest_texts_can_be_read_again() -> None:
    assert yaml_text.LONGEST >= 40 * texts._LONGEST
