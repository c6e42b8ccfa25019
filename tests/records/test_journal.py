"""The journal: a replay restores what was recorded, and damage is always found."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instructzero.errors import RunDirectoryError
from instructzero.records.journal import Journal, JournalReader
from instructzero.types import Candidate, Evaluation, Finish, Incomplete, Proposal, Rewrite, Usage, Writing

EVALUATION = Evaluation((1.0, 0.25), ("yes", "no\n\0\u202e"), Usage(2, 10, 3))
HEADER = {"task": "words"}


def filled(path):
    journal = Journal(path)
    journal.start(HEADER)
    journal.set_plain(Writing(" plain", "plain"), EVALUATION)
    journal.set_baseline("mine", EVALUATION)
    points = [(0.1, 1 / 3), (0.5, 0.5), (1e-300, -0.0)]
    candidates = [Candidate(Proposal(z), Writing(text, text)) for z, text in zip(points, "abc", strict=True)]
    journal.add_round(candidates, [2, 0])
    journal.add_trial(EVALUATION)
    journal.add_trial(EVALUATION)
    journal.add_cut_short("b", EVALUATION)
    journal.add_confirmation("c", EVALUATION)
    journal.add_confirmation("plain", EVALUATION)
    journal.add_test("c", EVALUATION)
    journal.add_test("plain", EVALUATION)
    return journal


def test_replay_equals_recorded_history(tmp_path):
    path = tmp_path / "journal.jsonl"
    assert filled(path).history == Journal(path).history


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    z=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    text=st.text(),
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_replay_restores_any_text_and_number(tmp_path, z, text, scores):
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


def test_cut_file_replays_whole_records_before_the_cut(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    whole = path.read_bytes()
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for length in sorted({*range(0, len(whole), 7), *ends, *(end + 1 for end in ends[:-1])}):
        path.write_bytes(whole[:length])
        Journal(path)
        assert path.read_bytes() == whole[: whole.rfind(b"\n", 0, length) + 1]


def test_changed_byte_in_the_middle_raises(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    whole = path.read_bytes()
    for position in range(0, whole.rfind(b"\n", 0, -1), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RunDirectoryError, match=r"damaged at line|does not fit"):
            Journal(path)


def test_missing_record_raises(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(RunDirectoryError, match="does not fit"):
        Journal(path)


def test_start_with_other_header_names_the_difference(tmp_path):
    filled(tmp_path / "journal.jsonl").start(HEADER)
    with pytest.raises(RunDirectoryError, match="begun with another task \\('words', now 'numbers'\\)"):
        Journal(tmp_path / "journal.jsonl").start({"task": "numbers"})


def test_write_to_missing_folder_raises_one_sentence(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path = tmp_path / "missing" / "journal.jsonl"
    with pytest.raises(RunDirectoryError, match="cannot write"):
        journal.start(HEADER)


def test_equal_records_give_equal_bytes(tmp_path):
    filled(tmp_path / "a.jsonl")
    filled(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_lines_are_plain_json(tmp_path):
    path = tmp_path / "journal.jsonl"
    filled(path)
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds == [
        *("run", "plain", "baseline", "round", "trial", "trial"),
        *("cut_short", "confirmation", "confirmation", "test", "test"),
    ]


def test_usage_counts_all_questions(tmp_path):
    history = filled(tmp_path / "journal.jsonl").history
    assert history.usage() == Usage(8 * 2, 8 * 10, 8 * 3)


def rewritten(path):
    """Return a journal with a round of a text that was requested and one that was not."""
    journal = Journal(path)
    proposals = [Proposal((0.1, 0.2), Rewrite("say \ud800\n", "write", 2**62)), Proposal((0.3, 0.4)), Proposal(None)]
    journal.add_round([Candidate(each, Writing("w", "w")) for each in proposals], [0], Usage(1, 20, 3))
    journal.add_trial(EVALUATION)
    return journal, proposals


def test_replay_restores_rewrites_and_their_usage(tmp_path):
    journal, proposals = rewritten(tmp_path / "journal.jsonl")
    history = Journal(journal.path).history
    assert history == journal.history
    assert [each.proposal for each in history.rounds[0].candidates] == proposals
    assert history.trials[0].proposal == proposals[0]
    assert history.rewrites == [proposals[0].rewrite]
    assert history.rounds[0].usage == Usage(1, 20, 3)


def test_search_usage_includes_rewriting(tmp_path):
    journal, _ = rewritten(tmp_path / "journal.jsonl")
    assert journal.history.search_usage() == journal.history.usage() == Usage(3, 30, 6)
    journal.set_plain(Writing("plain", "plain"), EVALUATION)
    journal.add_test("w", EVALUATION)
    assert journal.history.search_usage() == Usage(3, 30, 6)
    assert journal.history.usage() == Usage(7, 50, 12)


def test_round_without_rewriting_has_no_rewriting_fields(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add_round([Candidate(Proposal((0.5,)), Writing("a", "a"))], [0], Usage())
    assert json.loads(journal.path.read_text()).keys() == {"kind", "round", "points", "writings", "check"}


def test_known_evaluations_prefer_references_then_first_trial(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    first, second, reference = (Evaluation((score,), (str(score),)) for score in (0.1, 0.2, 0.3))
    journal.set_plain(Writing("plain", "plain"), reference)
    journal.set_baseline("mine", reference)
    for texts in (("a", "plain"), ("a", "mine", "b")):
        journal.add_round([Candidate(Proposal((0.5,)), Writing(text, text)) for text in texts], range(len(texts)))
        for _ in texts:
            journal.add_trial(second if len(journal.history.trials) else first)
    journal.add_cut_short("a", reference)
    journal.add_cut_short("late", second)
    known = journal.history.known_evaluations()
    assert known.pop("late") == second
    assert known == {"a": first, "plain": reference, "mine": reference, "b": second}
    assert journal.history.known_evaluations(before_round=1).keys() == {"a", "plain", "mine"}
    assert journal.history.known_evaluations(before_round=0).keys() == {"plain", "mine"}


def test_replay_restores_incomplete_results(tmp_path):
    """An instruction that dropped out of its race has a result on the first examples only."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add_round([Candidate(Proposal((0.5,)), Writing("a", "a"))], [0])
    journal.add_trial(Evaluation((0.5,), ("x",)) + Evaluation((0.0, 1.0), ("y", "z"), Usage(2)))
    (trial,) = Journal(journal.path).history.trials
    assert (trial.evaluation.scores, trial.evaluation.usage.calls) == ((0.5, 0.0, 1.0), 2)


def test_reader_replays_whole_lines_of_growing_file(tmp_path):
    lines = filled(tmp_path / "whole.jsonl").path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "journal.jsonl"
    reader = JournalReader(path)
    assert not reader.read()
    for line in lines:
        with path.open("ab") as file:
            file.write(line[:9])
        reader.read()
        assert len(reader.history.trials) == len(Journal(path, repair=False).history.trials)
        with path.open("ab") as file:
            file.write(line[9:])
        assert reader.read()
        assert reader.history == Journal(path, repair=False).history
    assert not reader.read()


def test_reader_names_damaged_line_and_starts_over(tmp_path):
    lines = filled(tmp_path / "whole.jsonl").path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines[:4]))
    reader = JournalReader(path)
    reader.read()
    path.write_bytes(b"".join(lines[:5]) + lines[5].replace(b"0.25", b"0.26"))
    with pytest.raises(RunDirectoryError, match="damaged at line 6"):
        reader.read()
    path.write_bytes(b"".join(lines))
    assert reader.read()
    assert reader.history == Journal(path).history


def test_reader_reads_replaced_file_from_the_beginning(tmp_path):
    path = tmp_path / "journal.jsonl"
    whole = filled(path).path.read_bytes()
    reader = JournalReader(path)
    reader.read()
    before = reader.history
    path.write_bytes(whole[: whole.index(b"\n") + 1])
    assert reader.read()
    assert reader.history is not before
    assert reader.history.header == before.header
    assert reader.history.plain is None


def test_incomplete_answers_are_restored_and_complete_ones_leave_no_trace(tmp_path):
    whole = Journal(tmp_path / "whole.jsonl")
    whole.add_test("c", EVALUATION)
    assert b"incomplete" not in whole.path.read_bytes()
    answers = (Incomplete(0, Finish.CUT), Incomplete(1, Finish.FAILED, "status 400: \x1b ü"))
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add_test("c", replace(EVALUATION, incomplete=answers))
    assert b'"incomplete":[[0,"cut"],[1,"failed","status 400' in journal.path.read_bytes()
    assert Journal(journal.path).history.tests["c"].incomplete == answers


MODEL = {"backend": "python", "function": "ask", "code": "a"}


@pytest.mark.parametrize(
    ("changed", "hint"), [({"validation": "b"}, True), ({"black box": {**MODEL, "code": "b"}}, False)]
)
def test_refusal_names_the_stored_answers_only_if_the_same_model_gave_them(tmp_path, changed, hint):
    header = {"task": "words", "validation": "a", "black box": MODEL}
    (tmp_path / "calls.sqlite").touch()
    Journal(tmp_path / "journal.jsonl").start(header)
    with pytest.raises(RunDirectoryError) as caught:
        Journal(tmp_path / "journal.jsonl").start({**header, **changed})
    assert ("--store" in str(caught.value)) == hint
