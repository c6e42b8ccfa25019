import copy
import json
import zlib

import pytest

from instructzero.errors import RunDirectoryError
from instructzero.records.directory import RunDirectory
from instructzero.records.journal import Journal
from instructzero.records.recorded_run import RecordedRun
from tests.run_directories import write_run

DEEP = json.loads("[" * 200 + "]" * 200)


def _sealed(record):
    body = json.dumps(record, separators=(",", ":"))
    return f'{body[:-1]},"check":"{zlib.crc32(body.encode()):08x}"}}\n'


def _put(record, path, value):
    record = copy.deepcopy(record)
    *outer, last = path
    place = record
    for name in outer:
        place = place[name]
    place[last] = value
    return record


@pytest.mark.parametrize(
    ("kind", "path", "value", "fault"),
    [
        ("run", ["task"], 5, "task: input should be a valid string"),
        ("run", ["black box"], "x", "black box: "),
        ("run", ["extra"], DEEP, "at most 60 lists and objects in one another"),
        ("plain", ["writing"], 3, "writing: "),
        ("plain", ["evaluation", "scores", 0], "1", "evaluation.scores.0: input should be a valid number, got '1'"),
        ("plain", ["evaluation", "scores", 0], 10**30, "evaluation.scores.0: "),
        ("plain", ["evaluation", "usage", "calls"], -1, "evaluation.usage.calls: "),
        ("plain", ["evaluation", "incomplete"], [[99, "cut"]], "an answer of the evaluation"),
        ("plain", ["evaluation", "outcomes"], {"measure": "mcc", "pairs": [["a", "b"]]}, "labels of 3 answers"),
        ("round", ["points", 0], [], "points of one dimension"),
        ("round", ["points", 0], [0.5], "points of one dimension"),
        ("round", ["chosen"], [0, 7], "different positions"),
        ("round", ["writings", 0, "raw"], None, "writings.0.raw: "),
        ("trial", ["number"], "0", "number: input should be a valid integer"),
        ("trial", ["kind"], "y" * 900, "expected one of the kinds"),
        ("test", ["instruction"], ["x"], "instruction: "),
    ],
)
def test_line_with_the_right_checksum_and_a_wrong_value_is_refused_in_one_sentence(tmp_path, kind, path, value, fault):
    journal = RunDirectory(write_run(tmp_path / "run")).journal
    lines = journal.read_text().splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    place = next(place for place, record in enumerate(records) if record["kind"] == kind)
    del records[place]["check"]
    lines[place] = _sealed(_put(records[place], path, value))
    journal.write_text("".join(lines))
    with pytest.raises(RunDirectoryError) as error:
        Journal(journal, repair=False)
    assert fault in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("line", ["5\n", "null\n", '"x"\n', "[" * 100_000 + "\n", "{}\n"])
def test_line_that_is_no_record_is_damage(tmp_path, line):
    path = tmp_path / "journal.jsonl"
    path.write_text(line)
    with pytest.raises(RunDirectoryError, match="is damaged at line 1"):
        Journal(path, repair=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("starts", [True]), ("comparisons", {"plain": 1}), ("usage", {"calls": "x"}), ("warnings", 5), ("extra", DEEP),
     ("instruction", {}), ("confusion", {"labels": ["a"], "counts": [[1]]}), ("majority_scores", {"test": {}})],
)  # fmt: skip
def test_result_with_a_wrong_value_is_damaged(tmp_path, name, value):
    run = RunDirectory(write_run(tmp_path / "run"))
    run.result.write_text(json.dumps({**json.loads(run.result.read_text()), name: value}))
    with pytest.raises(RunDirectoryError, match="is damaged; write it again"):
        run.read_result()


@pytest.mark.parametrize("name", ["task", "metric", "black box", "test"])
def test_header_that_does_not_describe_a_run_is_refused(tmp_path, name):
    run = write_run(tmp_path / "run")
    first, *others = RunDirectory(run).journal.read_text().splitlines(keepends=True)
    header = {key: value for key, value in json.loads(first).items() if key not in (name, "check")}
    RunDirectory(run).journal.write_text("".join([_sealed(header), *others]))
    with pytest.raises(RunDirectoryError, match=rf"it lacks {name}\); restore"):
        RecordedRun.read(run)
