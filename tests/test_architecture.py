"""The structure of the package: which way imports run, how many modules lie flat, how long files and functions are."""

import ast

import pytest

from benchmarks.architecture import LAYERS, SOURCE, edges, imports, module_of, modules, room

FORBIDDEN = (
    ("bo", "models"),
    ("bo", "calls"),
    ("models", "optimizers"),
    ("models", "calls"),
    ("search", "models"),
    ("optimizers", "models"),
    ("records", "calls"),
    ("tasks", "models"),
)
"""Pairs of which the first never imports the second, although the layers would allow some of them."""


def test_every_folder_and_flat_module_has_a_layer():
    assert {room(name) for name in modules()} - {""} == {name for layer in LAYERS for name in layer}


def test_imports_never_run_upwards():
    height = {name: -index for index, layer in enumerate(LAYERS) for name in layer}
    assert sorted({(source, target) for source, target in edges() if height[target] > height[source]}) == []


@pytest.mark.parametrize(("source", "target"), FORBIDDEN)
def test_a_room_does_not_import_what_it_must_not_know(source, target):
    assert (source, target) not in set(edges())


def test_there_is_no_circle_of_imports():
    known = modules()
    graph = {
        name: {target for each in imports(path, deferred=False) if (target := module_of(each, known)) not in ("", name)}
        for name, path in known.items()
    }
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name not in finished:
            for target in sorted(graph[name]):
                visit(target, (*trail, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_few_modules_lie_flat():
    assert len(list(SOURCE.glob("*.py"))) <= 18


def test_no_file_is_longer_than_400_lines():
    assert {
        str(path): count for path in SOURCE.rglob("*.py") if (count := len(path.read_text().splitlines())) > 400
    } == {}


def test_functions_have_ten_lines_or_fewer_on_average():
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert sum(lengths) / len(lengths) <= 10
