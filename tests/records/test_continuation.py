"""What a run may be continued with: the rules for settings, and for the header of the journal."""

import pytest

from instructzero.config import Settings
from instructzero.errors import ConfigurationError, OtherRun, RunDirectoryError
from instructzero.records.continuation import obstacles, resizes
from instructzero.records.journal import Journal, begins_run, holds_results
from instructzero.types import Evaluation, Usage, Writing

HEADER = {
    "task": "words",
    "exemplars": "e",
    "validation": "v",
    "confirmation": "c",
    "test": "t",
    "black box": {"m": "1"},
}
SCORED = Evaluation((1.0, 0.0), ("a", "b"), Usage(2, 2, 2))


def found(old, new, made=5):
    return obstacles(Settings(task="a", **old), Settings(task="a", **new), lambda: made)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"evaluations": 151}),
        ({"evaluations": 50}, {"evaluations": 5}),
        ({"search_calls": 5}, {"search_calls": 6}),
        ({"search_calls": 5}, {}),
        ({"finalists": 1}, {"finalists": 9}),
        ({"finalists": 9}, {"finalists": 1}),
        ({}, {"test": 7, "exemplars": 1, "validation": 2, "confirmation": 0}),
        ({"concurrency": 1, "max_usd": 1}, {"max_usd": 2, "timeout": 1}),
    ],
)
def test_run_may_be_continued(old, new):
    assert found(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ({"evaluations": 50}, {"evaluations": 4}, "evaluations: 50 there, 4 here"),
        ({"search_calls": 5}, {"search_calls": 4}, "search_calls: 5 there, 4 here"),
        ({}, {"search_calls": 4}, "search_calls: None there, 4 here"),
        ({}, {"seed": 1, "evaluations": 999}, "seed: 0 there, 1 here"),
        ({}, {"blackbox": "openai:m"}, "blackbox: 'embedded:blackbox' there, 'openai:m' here"),
        ({"prompt": "{instruction} " + "x" * 500}, {}, "…"),
    ],
)
def test_run_may_not_be_continued(old, new, difference):
    (sentence,) = found(old, new)
    assert difference in sentence
    assert len(sentence) < 250


def test_number_of_evaluations_is_counted_only_if_fewer_are_asked_for():
    assert obstacles(Settings(task="a"), Settings(task="a", evaluations=151), lambda: pytest.fail("counted")) == []


def test_sizes_of_parts_resize():
    assert resizes(Settings(task="a"), Settings(task="a", confirmation=3))
    assert not resizes(Settings(task="a"), Settings(task="a", evaluations=3))


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.start(HEADER)
    journal.set_plain(Writing("plain", "plain"), SCORED)
    journal.add_confirmation("plain", SCORED)
    journal.add_test("plain", SCORED)
    return journal


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"test": "longer"}, {"confirmations"}),
        ({"confirmation": "other"}, {"tests"}),
        ({"test": "u", "confirmation": "d"}, set()),
    ],
)
def test_header_with_other_final_parts_drops_their_results(journal, change, kept):
    journal.start({**HEADER, **change}, resized=True)
    replayed = Journal(journal.path).history
    assert replayed == journal.history
    assert (replayed.header or {}).items() >= change.items()
    assert {name for name in ("confirmations", "tests") if getattr(replayed, name)} == kept
    assert replayed.plain is not None
    records = journal.records
    journal.start({**HEADER, **change})
    assert journal.records == records


def test_confirmation_may_come_and_go(journal):
    without = {name: value for name, value in HEADER.items() if name != "confirmation"}
    journal.start(without, resized=True)
    assert Journal(journal.path).history.confirmations == {}
    journal.start(HEADER, resized=True)
    assert journal.records == 6


def test_same_header_is_not_written_again(journal):
    journal.start(HEADER, resized=True)
    assert journal.records == 4


def test_header_that_the_run_has_had_is_accepted_again(journal):
    journal.start({**HEADER, "test": "longer"}, resized=True)
    journal.start(HEADER)
    assert journal.history.header == {"version": 1, **HEADER}


@pytest.mark.parametrize(
    ("change", "resized", "message"),
    [
        ({"test": "longer"}, False, "begun with another test"),
        ({"validation": "w"}, True, "change its validation examples"),
        ({"exemplars": "f"}, True, "change its exemplars examples"),
        ({"black box": {"m": "2"}}, True, "begun with another black box"),
    ],
)
def test_other_header_is_refused_and_nothing_is_written(journal, change, resized, message):
    before = journal.path.read_bytes()
    with pytest.raises(OtherRun, match=message) as caught:
        journal.start({**HEADER, **change}, resized=resized)
    assert isinstance(caught.value, ConfigurationError)
    assert isinstance(caught.value, RunDirectoryError)
    assert caught.value.path == journal.path.parent
    assert journal.path.read_bytes() == before


def test_journal_with_a_header_alone_holds_no_results(tmp_path):
    path = tmp_path / "journal.jsonl"
    assert not holds_results(path)
    assert not begins_run(path)
    journal = Journal(path)
    journal.start(HEADER)
    assert begins_run(path)
    assert not holds_results(path)
    journal.set_plain(Writing("plain", "plain"), SCORED)
    assert holds_results(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert not holds_results(path)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[]\n", b'{"kind": "run"}\n', b"\xff\xfe\n", b"null\n", b"7\n"])
def test_other_file_begins_no_run(tmp_path, content):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    assert not begins_run(path)
