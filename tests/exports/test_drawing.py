"""How figures are saved."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

from instructzero.errors import ConfigurationError
from instructzero.exports.drawing import house_style, new_figure, save

BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def saved(path: Path) -> dict[str, bytes]:
    """A small figure as it is saved under ``path``, by the endings."""
    with house_style():
        figure = new_figure(3, 2)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0.2, 0.7])
        axes.set_xlabel("100 $ <b>")
    return {each.suffix[1:]: each.read_bytes() for each in save(figure, path)}


def test_a_figure_is_saved_for_print_and_the_same_figure_has_the_same_bytes(tmp_path: Path) -> None:
    first = saved(tmp_path / "one" / "figure.of.a.run")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {f"figure.of.a.run.{each}" for each in BEGINNINGS}
    assert {ending: content[: len(BEGINNINGS[ending])] for ending, content in first.items()} == BEGINNINGS
    assert saved(tmp_path / "other" / "figure.of.a.run") == first


def test_the_texts_of_an_svg_are_texts(tmp_path: Path) -> None:
    svg = ElementTree.fromstring(saved(tmp_path / "figure")["svg"])
    assert "100 $ <b>" in [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_without_matplotlib_the_mend_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'instructzero\[bench\]'"), house_style():
        pass
