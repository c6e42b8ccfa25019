"""The set-up at the head of a bench's report, of cells that were run and of those of older versions."""

import getpass
import json
import os
import platform
from pathlib import Path

import pytest

import instructzero
from instructzero.bench.cell import run_cell
from instructzero.bench.local_models import LocalModels
from instructzero.bench.page import write_report
from instructzero.bench.plan import cells_of
from instructzero.bench.setup.section import UNKNOWN, Payment, setup_section
from instructzero.types import Usage


def rows_of(section, name):
    """Return the rows of a table of the section by their first column."""
    (table,) = [part.table for part in section.parts if getattr(part, "name", "") == name]
    return {row[0]: row[1:] for row in table.rows}


@pytest.fixture
def cells(plan):
    models = LocalModels()
    return [run_cell(cell, models).cell for cell in cells_of(plan(budgets=[30]))]


def test_section_has_models_sizes_settings_prompts_costs_versions_and_machine(cells, plan):
    section = setup_section(cells, plan().out, Payment(Usage(7, 5, 3), 0.25))
    overview = rows_of(section, "setup")
    assert overview["methods"] == ("2: uniform, instructzero",)
    assert overview["paid, tests included"] == ("7 calls, 5 prompt tokens, 3 completion tokens, $0.2500",)
    assert f"Python {platform.python_version()}" in overview["machine"][0]
    assert f"cores {len(os.sched_getaffinity(0))}" in overview["machine"][0]
    assert f"instructzero {instructzero.__version__}, torch " in overview["packages"][0]
    assert rows_of(section, "models")["scripted"][0] == "writer"
    assert rows_of(section, "data") == {"fruit, tools": ("exact_match", "3", "6", "2", "6")}
    assert rows_of(section, "settings")["validation"] == ("6", "every run")
    assert "{instruction}" in rows_of(section, "prompts")["black box"][1]


def test_section_of_cells_of_an_older_version_says_what_is_unknown(cells, plan):
    for path in plan().out.rglob("setup.json"):
        path.unlink()
    section = setup_section(cells, plan().out)
    assert section.parts[0].startswith("4 of 4 runs are of an older version")
    assert rows_of(section, "setup")["machine"] == (UNKNOWN,)
    assert rows_of(section, "setup")["paid, tests included"] == (UNKNOWN,)
    ((_, *sizes),) = rows_of(section, "data").values()
    assert sizes == [UNKNOWN, UNKNOWN, UNKNOWN, "6"]


def test_report_has_no_folder_or_name_of_the_user_and_links_to_every_run(cells, plan):
    out = plan().out
    write_report(cells, out)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert str(Path.home()) + "/" not in page
    assert str(out) not in page
    assert platform.node() not in page
    assert f"/{getpass.getuser()}/" not in page
    for cell in cells:
        address = f"scripted/{cell.method}/{cell.task}-0/report.html"
        assert f'href="{address}"' in page
        assert (out / address).stat().st_size


def test_cell_that_is_continued_on_another_machine_names_both(cells, plan):
    path = next(plan().out.rglob("setup.json"))
    record = json.loads(path.read_text())
    other = {"machine": {"processor": "another one"}, "versions": {"torch": "0.1"}}
    path.write_text(json.dumps({**record, "places": [*record["places"], other]}))
    overview = rows_of(setup_section(cells, plan().out), "setup")
    assert overview["2 machines"][0].endswith("; processor another one") or "another one; " in overview["2 machines"][0]
    assert " or 0.1" in overview["packages"][0] or "0.1 or " in overview["packages"][0]
