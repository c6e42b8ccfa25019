"""The command line of ``bench``: its output, its files, and its errors."""

import csv
import json
from functools import partial
from pathlib import Path

import pytest
import yaml

from instructzero.bench.cell import Outcome
from instructzero.bench.command import settings_of
from instructzero.bench.paper import PLANS
from instructzero.errors import UserError
from instructzero.types import Usage
from tests.bench.synthetic import cell
from tests.command_line import call


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in this process; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(call, monkeypatch, capsys, "bench")


def test_bench_prints_a_line_per_cell_writes_report_and_repeats_nothing(run, scripted):
    Path("plan.yaml").write_text(yaml.safe_dump({**scripted, "seeds": 2}))
    flags = ("--seeds", "1", "--set", "evaluations=8", "--set", "test=5")
    code, out, err = run("plan.yaml", *flags)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(
        "2 methods × 2 tasks × 1 seed × 1 pair of models = 4 runs, tested at 20, 60 calls; 2 in parallel"
    )
    assert [line.split("] ")[1][:8] for line in lines[1:5]] == ["1 of 4: ", "2 of 4: ", "3 of 4: ", "4 of 4: "]
    assert "calls paid, $0.0000, 0:00:00 left" in lines[4]
    with Path("out/scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["method"], row["task"], row["budget"]) for row in rows} >= {("uniform", "fruit", "60")}
    assert "instructzero" in Path("out/report.md").read_text()
    code, out, _ = run("plan.yaml", *flags)
    assert (code, out.splitlines()[1]) == (0, "4 of 4 runs were finished before")
    assert " ".join(out.split()).endswith("out/report.html in a browser")
    code, out, err = run("plan.yaml", *flags, "--json")
    assert (code, "4 of 4 runs were finished before" in err) == (0, True)
    assert_ranked(json.loads(out), [row for row in rows if row["budget"] == "20"])
    assert run("plan.yaml", *flags, "--quiet") == (0, f"{Path('out').resolve() / 'report.html'}\n", "")


def assert_ranked(found, rows):
    """Assert that the JSON object has two budgets, and the scores of these rows at the lower one."""
    assert [ranking["budget"] for ranking in found["rankings"]] == [20, 60]
    ranking = found["rankings"][0]
    assert (found["runs"], ranking["tasks"], ranking["seeds"]) == (4, 2, 1)
    assert sum(method["rank"] for method in ranking["methods"]) == 3
    for method in ranking["methods"]:
        scores = [float(row["test"]) for row in rows if row["method"] == method["method"]]
        assert method["test_score"] == pytest.approx(sum(scores) / len(scores))


def test_write_parquet_holds_the_rows_of_the_csv(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    from instructzero.bench.export import write_parquet
    from instructzero.bench.tables import ROW, rows
    from tests.bench.synthetic import cells

    (path,) = write_parquet(found := cells({"uniform": [0.5, 1.0]}), tmp_path / "scores.parquet")
    table = parquet.read_table(path)
    assert table.column_names == list(ROW)
    assert [tuple(row.values()) for row in table.to_pylist()] == rows(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no tasks are named"),
        (("none.yaml",), "no configuration file none.yaml"),
        (("--tasks", "sum", "--methods", "unifrom"), "did you mean 'uniform'"),
        (("--tasks", "sun", "--methods", "uniform"), "unknown task 'sun'"),
        (("--tasks", "sum", "--methods", "uniform", "--workers", "few"), "workers of the bench"),
        (("--tasks", "sum", "--methods", "uniform", "--set", "validation"), "expected --set NAME=VALUE"),
        (("--tasks", "sum", "--methods", "uniform", "--set", "valdation=3"), "did you mean 'validation'"),
        (("--paper", "fig9"), "unknown figure 'fig9' of the paper; expected one of fig1"),
    ],
    ids=str,
)
def test_bench_with_bad_input_prints_one_sentence_and_exits_with_2(run, arguments, message):
    code, _, err = run(*arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("instructzero: ")
    assert message in err


@pytest.mark.parametrize("name", ["report.html", "report.md", "scores.csv", "tables/mine.tex", "figures/mine.png"])
def test_bench_into_a_folder_with_files_of_other_origin_is_refused_and_changes_nothing(run, scripted, name):
    path = Path("out") / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    Path("plan.yaml").write_text(yaml.safe_dump(scripted))
    before = sorted(Path().rglob("*"))
    code, _, err = run("plan.yaml")
    assert (code, path.read_text(), sorted(Path().rglob("*"))) == (2, "mine", before)
    assert (
        f"got files of other origin that the report would replace ({name.split('/')[0]}); choose another --out" in err
    )


@pytest.mark.parametrize(
    "name", ["figures", "tables", "paper", "answers", "jobs", "scripted", "scripted/uniform/fruit-0"]
)
def test_bench_into_a_folder_with_links_in_the_place_of_its_folders_is_refused_and_writes_nothing(run, scripted, name):
    link, earlier = Path("real/out") / name, Path("real/out/any/method/task-0/cell.json")
    for folder in (link.parent, earlier.parent, Path("theirs")):
        folder.mkdir(parents=True, exist_ok=True)
    earlier.touch()  # of an earlier bench
    link.symlink_to(Path("theirs").resolve())
    Path("linked").symlink_to("real")  # links above the folder are the user's own
    Path("plan.yaml").write_text(yaml.safe_dump({**scripted, "out": "linked/out"}))
    before = sorted(Path().rglob("*"))
    code, out, err = run("plan.yaml")
    assert (code, out, sorted(Path().rglob("*"))) == (2, "", before)
    assert f"expected a folder of the bench, got the link {link.parent.resolve() / link.name}" in err


def test_bench_paper_uses_the_plan_of_the_figure(run, scripted, monkeypatch):
    """The plan is that of the paper, with one setting replaced."""
    from instructzero.bench import command, paper

    drawn = []
    made = Outcome(cell("paper", "sum", {3000: 0.5}), Usage(), 0.0)
    plans = []
    monkeypatch.setattr(command, "run_outcomes", lambda plan, say, watch: plans.append(plan) or [made])
    monkeypatch.setattr("instructzero.bench.page.write_report", lambda cells, out, paid: [])
    monkeypatch.setattr("instructzero.bench.export.write_parquet", lambda cells, path: [])
    monkeypatch.setattr(paper, "draw", lambda name, cells, out: drawn.append((name, cells, out)) or [])
    assert run("--paper", "fig4", "--set", "test=7", "--out", "here", "--quiet")[0] == 0
    ((name, cells, out),) = drawn
    assert (name, cells, out) == ("fig4", [made.cell], Path("here"))
    assert [plan.settings for plan in plans] == [{**PLANS["fig4"]["settings"], "test": 7}]


def test_settings_of_reads_values_as_yaml():
    assert settings_of(["racing=no", "max-calls=5", "metric=regex:a=b", "judge="]) == {
        "racing": False, "max_calls": 5, "metric": "regex:a=b", "judge": None,
    }  # fmt: skip
    with pytest.raises(UserError, match="expected a YAML value in --set"):
        settings_of(["metric=[a"])
