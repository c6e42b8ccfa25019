"""Style and saving of figures."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

from instructzero.errors import ConfigurationError
from instructzero.exports.drawing import house_style, new_figure, save

BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def saved(path: Path) -> dict[str, bytes]:
    """Save a small figure; returns the bytes of the files by suffix."""
    with house_style():
        figure = new_figure(3, 2)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0.2, 0.7])
        axes.set_xlabel("100 $ <b>")
    return {file.suffix[1:]: file.read_bytes() for file in save(figure, path)}


def test_save_writes_three_formats_with_reproducible_bytes(tmp_path: Path) -> None:
    first = saved(tmp_path / "one" / "figure.of.a.run")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        f"figure.of.a.run.{ending}" for ending in BEGINNINGS
    }
    assert {ending: content[: len(BEGINNINGS[ending])] for ending, content in first.items()} == BEGINNINGS
    assert saved(tmp_path / "other" / "figure.of.a.run") == first


def test_save_keeps_texts_of_svg_as_text(tmp_path: Path) -> None:
    svg = ElementTree.fromstring(saved(tmp_path / "figure")["svg"])
    assert "100 $ <b>" in [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_house_style_without_matplotlib_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'instructzero\[bench\]'"), house_style():
        pass
