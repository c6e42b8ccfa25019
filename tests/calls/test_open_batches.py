"""The record of the batches that were sent: durable, one batch a question, shared by several processes."""

from __future__ import annotations

from instructzero.calls.call import Call
from instructzero.calls.open_batches import StoredBatches, unread_answers
from instructzero.calls.store import CallStore
from instructzero.models.batches.wire import Plan
from instructzero.types import Completion, Message, Request


def test_file_is_made_for_the_first_batch_only(tmp_path):
    batches = StoredBatches.beside(tmp_path / "calls.sqlite")
    assert (batches.find(["a"]), batches.names(), batches.keys()) == ({}, set(), [])
    assert not list(tmp_path.iterdir())
    batches.add(Plan("mark", 1.5, ("a", "b")))
    batches.close()
    assert (tmp_path / "calls.sqlite-batches").exists()


def test_another_process_finds_a_planned_batch_and_then_its_name(tmp_path):
    writer, reader = StoredBatches(tmp_path / "batches"), StoredBatches(tmp_path / "batches")
    plan = Plan("mark", 1.5, ("a", "b"))
    writer.add(plan)
    assert reader.find(["a", "b", "c"]) == {"a": plan, "b": plan}
    writer.sent("mark", "batch_1")
    assert reader.find(["a"])["a"].batch == "batch_1"
    assert reader.names() == {"batch_1"}
    writer.close()
    reader.close()


def test_question_belongs_to_the_last_batch_and_is_forgotten_only_there(tmp_path):
    batches = StoredBatches(tmp_path / "batches")
    first, second = Plan("first", 1.0, ("a", "b")), Plan("second", 2.0, ("b",))
    batches.add(first)
    batches.add(second)
    batches.forget(first, ["a", "b"])
    assert {key: plan.mark for key, plan in batches.find(["a", "b"]).items()} == {"b": "second"}
    batches.close()


def test_many_questions_are_found(tmp_path):
    batches = StoredBatches(tmp_path / "batches")
    keys = tuple(f"{number:064d}" for number in range(2000))
    batches.add(Plan("mark", 1.0, keys))
    assert batches.find(keys).keys() == set(keys)
    batches.close()


def test_questions_without_an_answer_in_the_store_are_unread(tmp_path):
    path = tmp_path / "calls.sqlite"
    calls = [Call.of({"model": "m"}, Request((Message("user", text),))) for text in ("answered", "open")]
    batches = StoredBatches.beside(path)
    batches.add(Plan("mark", 1.0, tuple(call.key for call in calls)))
    batches.close()
    with CallStore(path) as store:
        store.put(calls[0], Completion("yes"))
        assert unread_answers(path, store) == 1
