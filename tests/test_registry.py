"""Registries: built-in entries by folder, entries of other packages by entry point."""

from importlib.metadata import EntryPoint

import pytest

from instructzero import registry
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.registry import METHODS, import_attribute


@pytest.fixture
def points(monkeypatch):
    """Give the group of methods these entry points: name and value."""

    def install(**values):
        found = [EntryPoint(name, value, METHODS.group) for name, value in values.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: found if group == METHODS.group else [])

    return install


def test_own_lists_the_files_of_the_folder_with_hyphens():
    assert METHODS.own == tuple(sorted(METHODS.own))
    assert {"instructzero", "paper", "evoprompt-ga", "evoprompt-de"} <= set(METHODS.own)


def test_names_lists_built_in_entries_then_entry_points(points):
    points(zebra="math:pi", aardvark="math:e", uniform="math:tau")
    assert METHODS.names() == (*METHODS.own, "aardvark", "zebra")
    assert "zebra" in METHODS
    assert "uniform" in METHODS
    assert "lion" not in METHODS


def test_load_prefers_the_built_in_entry_of_a_name(points):
    points(uniform="math:tau", mine="math:pi")
    assert METHODS.load("uniform").summary.startswith("random search")
    assert METHODS.load("mine") == pytest.approx(3.14, abs=0.01)


def test_load_of_a_broken_entry_point_is_refused_in_one_sentence(points):
    points(mine="no_such_module:METHOD")
    with pytest.raises(ConfigurationError, match="method 'mine': expected an entry point that loads, got Module"):
        METHODS.load("mine")


def test_unknown_name_is_refused_with_the_nearest_name(points):
    points(zebra="math:pi")
    with pytest.raises(ConfigurationError, match=r"^unknown method 'zebar'; did you mean 'zebra'\?$"):
        METHODS.load("zebar")
    with pytest.raises(ConfigurationError, match=r"^unknown method 'xyzzy'; expected one of ape, .*zopo, zebra$"):
        METHODS.load("xyzzy")


def test_settings_accept_registered_methods_and_python_names(points):
    points(mine="math:pi")
    for name in (*METHODS.names(), "python:module:Class"):
        assert make_settings({"task": "sum", "method": name}).method == name
    with pytest.raises(ConfigurationError, match=r"^unknown method 'unifrom'; did you mean 'uniform'\?$"):
        make_settings({"task": "sum", "method": "unifrom"})


def test_import_attribute_finds_modules_in_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "found_in_the_folder.py").write_text("ANSWER = 42\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path][1:])
    assert import_attribute("found_in_the_folder:ANSWER") == 42
    with pytest.raises(AttributeError):
        import_attribute("found_in_the_folder:QUESTION")


def test_import_attribute_does_not_let_a_file_hide_a_library(tmp_path, monkeypatch):
    (tmp_path / "colorsys.py").write_text("raise AssertionError\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert callable(import_attribute("colorsys:rgb_to_hsv"))
