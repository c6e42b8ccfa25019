"""The record of a run: what is written is what is replayed, and damage is never overlooked."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instructzero.errors import RunDirectoryError
from instructzero.journal import Journal
from instructzero.types import Candidate, Evaluation, Proposal, Usage, Writing

EVALUATION = Evaluation((1.0, 0.25), ("yes", "no\n\0\u202e"), Usage(2, 10, 3))
HEADER = {"task": "words"}


def filled(path):
    journal = Journal(path)
    journal.start(HEADER)
    journal.set_plain(Writing(" plain", "plain"), EVALUATION)
    points = [(0.1, 1 / 3), (0.5, 0.5), (1e-300, -0.0)]
    candidates = [Candidate(Proposal(z), Writing(text, text)) for z, text in zip(points, "abc", strict=True)]
    journal.add_round(candidates, [2, 0])
    journal.add_trial(EVALUATION)
    journal.add_trial(EVALUATION)
    journal.add_test("best", EVALUATION)
    return journal


def test_a_replay_is_equal_to_what_was_recorded(tmp_path):
    path = tmp_path / "journal.jsonl"
    assert filled(path).history == Journal(path).history


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    z=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    text=st.text(),
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_any_text_and_any_number_survives(tmp_path, z, text, scores):
    path = tmp_path / "journal.jsonl"
    path.unlink(missing_ok=True)
    journal = Journal(path)
    journal.add_round([Candidate(Proposal(tuple(z)), Writing(text, text))], [0])
    journal.add_trial(Evaluation(tuple(scores), (text,) * len(scores)))
    replayed = Journal(path).history
    assert replayed == journal.history
    assert replayed.trials[0].proposal.z == tuple(z)
    assert replayed.trials[0].evaluation.scores == tuple(scores)
    assert replayed.trials[0].writing.raw == text


def test_every_cut_gives_the_whole_records_before_it(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        Journal(path)
        assert path.read_bytes() == whole[: whole.rfind(b"\n", 0, length) + 1]


def test_every_changed_byte_in_the_middle_is_found(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    whole = path.read_bytes()
    for position in range(0, whole.rfind(b"\n", 0, -1), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RunDirectoryError, match=r"damaged at line|does not fit"):
            Journal(path)


def test_a_missing_record_is_found(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(RunDirectoryError, match="does not fit"):
        Journal(path)


def test_another_header_is_refused_by_name(tmp_path):
    filled(tmp_path / "journal.jsonl").start(HEADER)
    with pytest.raises(RunDirectoryError, match="begun with another task \\('words', now 'numbers'\\)"):
        Journal(tmp_path / "journal.jsonl").start({"task": "numbers"})


def test_an_unwritable_file_is_one_clear_error(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path = tmp_path / "missing" / "journal.jsonl"
    with pytest.raises(RunDirectoryError, match="cannot write"):
        journal.start(HEADER)


def test_it_holds_no_clock_reading(tmp_path):
    filled(tmp_path / "a.jsonl")
    filled(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_each_line_is_plain_json(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds == ["run", "plain", "round", "trial", "trial", "test"]
