"""Every package that an installation brings has a licence under which programs of any licence may use it."""

from __future__ import annotations

from release.licences import ACCEPTED, direct, licence, required


def test_all_required_packages_have_an_accepted_licence() -> None:
    licences = {name: licence(name) for name in required()}
    assert {name: text for name, text in licences.items() if not ACCEPTED.search(text)} == {}


def test_required_packages_include_those_of_dependencies() -> None:
    assert "torch" in direct()
    assert "mkdocs-material" not in direct()
    assert {"torch", "sympy", "mpmath"} <= set(required())
