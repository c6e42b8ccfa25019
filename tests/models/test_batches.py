"""Questions in batches: sent together, followed to the end, found again after a restart, and paid once."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.calls.budget import Budget
from instructzero.calls.call import Call
from instructzero.calls.limits import Limits
from instructzero.calls.open_batches import StoredBatches
from instructzero.calls.paid import PaidModels
from instructzero.calls.prices import FREE
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.errors import BudgetExhausted, EndpointError, ModelError
from instructzero.models.anthropic import AnthropicBlackBox
from instructzero.models.batches.black_box import BatchedBlackBox
from instructzero.models.batches.rounds import Pace
from instructzero.models.openai import OpenAIBlackBox
from instructzero.models.patience import Patience
from instructzero.testing import Reply
from instructzero.testing.batches import BatchService
from instructzero.types import Completion, Finish, Message, Request, Usage

FAST = Pace(quiet=0.02, first=0.005, longest=0.01, patience=0.2)
Make = Callable[[BatchService], Any]


def openai(service: BatchService, **options: Any) -> OpenAIBlackBox:
    return OpenAIBlackBox("m", base_url=service.base_url, **options)


def anthropic(service: BatchService, **options: Any) -> AnthropicBlackBox:
    return AnthropicBlackBox("m", base_url=service.root, **options)


both = pytest.mark.parametrize("make", [openai, anthropic])


def requests(count: int, name: str = "word") -> list[Request]:
    return [Request((Message("user", f"{name} {number}"),), max_tokens=3) for number in range(count)]


class Asking:
    """Asks questions of a batched black box as a run does, with the files of the run in a folder."""

    def __init__(
        self, folder: Path, make: Make, service: BatchService, *, max_wait: float = math.inf, **limits: Any
    ) -> None:
        self.path = folder / "calls.sqlite"
        self.make = make
        self.service = service
        self.limits = limits
        self.max_wait = max_wait
        self.warnings: list[str] = []
        self.progress: list[tuple[int, int]] = []
        self.spent = Usage()

    @contextmanager
    def opened(self) -> Iterator[tuple[PaidModels, CallStore]]:
        model = self.make(self.service)
        with CallStore(self.path) as store:
            before = store.spent("run")
            budget = Budget(Limits(**self.limits), prices={BLACK_BOX: FREE}, spent=before)
            box = BatchedBlackBox(
                model,
                lambda request: Call.of(model.identity, request).key,
                StoredBatches.beside(self.path),
                on_progress=lambda questions, done, seconds: self.progress.append((questions, done)),
                warn=self.warnings.append,
                pace=FAST,
                patience=Patience(self.max_wait, time_left=budget.time_left),
            )
            try:
                with PaidModels({BLACK_BOX: box}, store, run="run", budget=budget, retries=2, tolerant=True) as paid:
                    yield paid, store
            finally:
                self.spent = store.spent("run").get(BLACK_BOX, Usage())

    def ask(self, asked: list[Request]) -> list[Completion]:
        with self.opened() as (paid, _):
            answers = paid.role(BLACK_BOX).answers

            class Question:
                def __init__(self, request: Request) -> None:
                    self.call, self.request = answers.call(request), request

            def one(question: Question, completion: Completion, cached: bool) -> Completion:
                return completion

            role = paid.role(BLACK_BOX)
            questions = [Question(request) for request in asked]
            batch = role.batch(one, questions)
            return role.run(batch.wait_for([question.call for question in questions]))

    def interrupted(self, asked: list[Request], *, batches: int = 1) -> None:
        """Ask, and stop as Ctrl-C does when the service has a number of batches."""
        with self.opened() as (paid, _):
            answers = paid.role(BLACK_BOX).answers

            async def stop() -> None:
                tasks = [asyncio.ensure_future(answers.get(answers.call(one), one)) for one in asked]
                while len(self.service.batches) < batches or not any("GET" in one for one in self.service.requests):
                    await asyncio.sleep(0.005)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

            paid.role(BLACK_BOX).run(stop())


def texts(completions: list[Completion]) -> list[str]:
    return [completion.text for completion in completions]


UPPER = [f"WORD {number}" for number in range(20)]


@both
def test_limit_of_time_ends_the_wait_for_a_batch_whose_answers_are_read_later(tmp_path, make):
    with BatchService(str.upper, looks=10**9) as service:
        with pytest.raises(BudgetExhausted, match="raise --max-time and run it again"):
            Asking(tmp_path, make, service, seconds=0.2).ask(requests(20))
        service.looks = 0
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert [len(sent.lines) for sent in service.batches] == [20]
        assert asking.spent == Usage(20, 40, 40)


@both
def test_round_is_sent_as_one_batch_and_no_single_request(tmp_path, make):
    with BatchService(str.upper, looks=3) as service:
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert [len(sent.lines) for sent in service.batches] == [20]
        assert not service.single
        assert asking.progress[-1] == (20, 20)
        assert asking.spent == Usage(20, 40, 40)


@both
def test_stored_answers_are_those_of_single_requests(tmp_path, make):
    with BatchService(str.upper) as service:
        batched = Asking(tmp_path, make, service)
        batched.ask(requests(5))
        model = make(service)
        with CallStore(batched.path) as store:
            keys = {call.key for call in store.export()}
        single = [Call.of(model.identity, request).key for request in requests(5)]
        assert keys == set(single)
        asyncio.run(model.close())


@both
@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_unanswered_questions_of_an_ended_batch_are_asked_again(tmp_path, make, end):
    with BatchService(str.upper) as service:
        service.ends.append(end)
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        first, *later = (len(sent.lines) for sent in service.batches)
        assert (first, sum(later)) == (20, 10)
        assert service.billed.total() == asking.spent.calls == 20


@both
def test_results_in_another_order_with_strange_lines_are_matched_by_name(tmp_path, make):
    def changed(lines: list[bytes]) -> list[bytes]:
        name = b"0" * 64
        stranger = lines[0].replace(lines[0].split(b'"custom_id": "')[1][:64], name)
        return [b"no json", b"[1]", b'{"custom_id": 7}', b"", stranger, *reversed(lines), *lines[:3]]

    with BatchService(str.upper) as service:
        service.changed = changed
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert asking.spent.calls == 20


@both
def test_question_missing_in_the_results_is_asked_again(tmp_path, make):
    with BatchService(str.upper) as service:
        service.changed = lambda lines: lines[1:] if len(service.batches) == 1 else lines
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert [len(sent.lines) for sent in service.batches] == [20, 1]


@both
def test_refused_question_is_a_failed_answer_and_the_others_are_read(tmp_path, make):
    def script(prompt: str) -> str | Reply:
        return Reply.refusal("the prompt is odd", status=400) if prompt == "word 0" else prompt.upper()

    with BatchService(script) as service:
        found = Asking(tmp_path, make, service).ask(requests(5))
        assert found[0].finish is Finish.FAILED
        assert texts(found[1:]) == UPPER[1:5]
        assert len(service.batches) == 1


@both
def test_failing_line_is_asked_again_and_then_ends_the_run(tmp_path, make):
    with BatchService(lambda prompt: Reply.refusal("busy", status=529)) as service:
        with pytest.raises(EndpointError, match=r"busy.*the last of 3 tries"):
            Asking(tmp_path, make, service).ask(requests(3))
        assert sum(len(sent.lines) for sent in service.batches) <= 9


def test_refused_parameter_is_left_out_in_the_next_batch(tmp_path):
    bodies: list[dict[str, Any]] = []
    service = BatchService(str.upper)
    answer = service._completed

    def picky(prompt: str, is_anthropic: bool) -> Reply:
        body = next(line["body"] for line in service.batches[-1].lines)
        bodies.append(body)
        if "temperature" in body:
            return Reply.refusal("Unsupported parameter: 'temperature' is not supported", code="unsupported_parameter")
        return answer(prompt, is_anthropic)

    service._completed = picky  # type: ignore[method-assign]
    with service:
        asking = Asking(tmp_path, openai, service)
        assert texts(asking.ask(requests(6))) == UPPER[:6]
        assert [len(sent.lines) for sent in service.batches] == [6, 6]
        assert ["temperature" in sent.lines[0]["body"] for sent in service.batches] == [True, False]
        assert asking.spent.calls == 6


@both
def test_failures_of_the_service_while_polling_are_waited_for(tmp_path, make):
    with BatchService(str.upper, looks=3) as service:
        look = "GET /v1/batches" if make is openai else "GET /v1/messages/batches"
        busy = Reply.refusal("too many requests", status=429)
        service.refusals[look] = deque([busy, Reply({}, 503), Reply({}, 0)])
        assert texts(Asking(tmp_path, make, service).ask(requests(20))) == UPPER
        assert len(service.batches) == 1


@both
def test_service_that_stays_silent_ends_the_run_which_reads_the_answers_later(tmp_path, make):
    with BatchService(str.upper) as service:
        look = "GET /v1/batches" if make is openai else "GET /v1/messages/batches"
        service.refusals[look] = deque([Reply({}, 503)] * 1000)
        asking = Asking(tmp_path, make, service)
        with pytest.raises(EndpointError, match="resume later to read its answers"):
            asking.ask(requests(20))
        service.refusals.clear()
        assert texts(asking.ask(requests(20))) == UPPER
        assert len(service.batches) == 1
        assert asking.spent.calls == service.billed.total() == 20


def seven_hours(message: str = "slow down") -> Reply:
    return Reply({"error": {"message": f"{message}. Please try again in 7h0m0s."}}, 429)


@both
@pytest.mark.parametrize("when", ["it is sent", "it is followed"])
def test_longer_wait_than_the_longest_ends_the_run_which_pays_nothing_twice(tmp_path, make, when):
    method = "POST" if when == "it is sent" else "GET"
    refusing = [f"{method} /v1/{name}" for name in ("files", "batches", "messages/batches")]
    with BatchService(str.upper) as service:
        service.refusals = {path: deque([seven_hours()] * 9) for path in refusing}
        asking = Asking(tmp_path, make, service, max_wait=300.0)
        with pytest.raises(EndpointError, match=r"it asks to wait 7 h, .*--max-wait.* resume in 7 h"):
            asking.ask(requests(6))
        assert sum(9 - len(left) for left in service.refusals.values()) == 1
        service.refusals.clear()
        assert texts(asking.ask(requests(6))) == UPPER[:6]
        assert asking.spent.calls == service.billed.total() == 6


@both
def test_service_that_takes_no_batch_for_the_longest_wait_ends_the_run(tmp_path, make):
    with BatchService(str.upper) as service:
        busy = Reply.refusal("too many requests", status=429)
        service.refusals = {path: deque([busy] * 999) for path in ("POST /v1/files", "POST /v1/messages/batches")}
        with pytest.raises(EndpointError, match=r"too many requests; it has answered nothing for .*--max-wait"):
            Asking(tmp_path, make, service, max_wait=0.1).ask(requests(6))
        assert not service.batches


@both
def test_daily_quota_ends_the_run_before_its_batch_is_sent(tmp_path, make):
    with BatchService(str.upper) as service:
        full = Reply({"error": {"message": "Rate limit reached on batches per day."}}, 429)
        service.refusals = {path: deque([full] * 9) for path in ("POST /v1/files", "POST /v1/messages/batches")}
        with pytest.raises(EndpointError, match="this quota is one of a day or longer"):
            Asking(tmp_path, make, service, max_wait=300.0).ask(requests(6))
        assert not service.batches


@both
@pytest.mark.parametrize("status", [401, 404, 400])
def test_refused_upload_is_one_sentence(tmp_path, make, status):
    with BatchService(str.upper) as service:
        for path in ("POST /v1/files", "POST /v1/messages/batches"):
            service.refusals[path] = deque([Reply.refusal("no such thing", status=status)])
        expected = {401: "expected a key", 404: "expected a service with a batch API", 400: "refuses a batch"}[status]
        with pytest.raises(ModelError, match=expected):
            Asking(tmp_path, make, service).ask(requests(4))
        assert not service.batches


def test_batch_refused_as_a_whole_is_one_sentence(tmp_path):
    with BatchService(str.upper) as service:
        service.ends.append("failed")
        with pytest.raises(ModelError, match="refuses a batch of requests to 'm' \\(the batch is refused\\)"):
            Asking(tmp_path, openai, service).ask(requests(4))


def test_too_many_enqueued_tokens_make_smaller_batches_one_after_the_other(tmp_path):
    with BatchService(str.upper) as service:
        service.limit = 6
        asking = Asking(tmp_path, openai, service)
        assert texts(asking.ask(requests(20))) == UPPER
        sizes = [len(sent.lines) for sent in service.batches if sent.end == "completed"]
        assert max(sizes) <= 6
        assert service.billed.total() == asking.spent.calls == 20


def test_one_question_too_many_for_the_account_ends_the_run(tmp_path):
    with BatchService(str.upper) as service:
        service.ends.extend(["failed"])
        service.limit = 1
        with pytest.raises(EndpointError, match="takes no batch now"):
            Asking(tmp_path, openai, service).ask(requests(1))


@both
def test_round_beyond_the_limit_of_requests_is_split(tmp_path, make, monkeypatch):
    with BatchService(str.upper) as service:
        box = make(service)
        monkeypatch.setattr(type(box.batch_api()), "most", 8)
        asyncio.run(box.close())
        assert texts(Asking(tmp_path, make, service).ask(requests(20))) == UPPER
        assert sorted(len(sent.lines) for sent in service.batches) == [4, 8, 8]


@both
def test_round_beyond_the_limit_of_bytes_is_split(tmp_path, make, monkeypatch):
    with BatchService(str.upper) as service:
        box = make(service)
        api = box.batch_api()
        monkeypatch.setattr(type(api), "most_bytes", 900)
        asyncio.run(box.close())
        assert texts(Asking(tmp_path, make, service).ask(requests(20))) == UPPER
        assert len(service.batches) > 1


@both
def test_interrupted_run_reads_the_batch_later_and_pays_once(tmp_path, make):
    with BatchService(str.upper) as service:
        service.held = True
        asking = Asking(tmp_path, make, service)
        asking.interrupted(requests(20))
        assert asking.spent == Usage()  # nothing is booked as lost
        assert "a batch of 20 questions goes on at http://127.0.0.1" in asking.warnings[0]
        service.held = False
        assert texts(asking.ask(requests(20))) == UPPER
        assert len(service.batches) == 1
        assert asking.spent.calls == service.billed.total() == 20


@both
def test_other_questions_of_a_continued_run_are_sent_in_a_batch_of_their_own(tmp_path, make):
    with BatchService(str.upper) as service:
        service.held = True
        asking = Asking(tmp_path, make, service)
        asking.interrupted(requests(8))
        service.held = False
        assert texts(asking.ask(requests(20))) == UPPER
        assert [len(sent.lines) for sent in service.batches] == [8, 12]
        assert service.billed.total() == 20


@both
def test_answers_that_were_read_and_not_stored_are_read_again(tmp_path, make):
    with BatchService(str.upper) as service:
        asking = Asking(tmp_path, make, service)
        asking.ask(requests(20))
        asking.path.unlink()  # the process ended before the answers were stored
        assert texts(asking.ask(requests(20))) == UPPER
        assert len(service.batches) == 1


@both
def test_batch_whose_name_was_not_stored_is_found(tmp_path, make):
    with BatchService(str.upper) as service:
        path = "POST /v1/batches" if make is openai else "POST /v1/messages/batches"
        service.refusals[path] = deque([Reply({}, 0)])  # taken, but the reply is lost
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert len(service.batches) == 1
        assert asking.spent.calls == service.billed.total() == 20


@both
def test_batch_that_the_service_never_took_is_sent_again(tmp_path, make):
    with BatchService(str.upper) as service:
        asking = Asking(tmp_path, make, service)
        path = "POST /v1/batches" if make is openai else "POST /v1/messages/batches"
        service.refusals[path] = deque([Reply.refusal("gateway timeout", status=504)])
        assert texts(asking.ask(requests(20))) == UPPER
        assert service.billed.total() == asking.spent.calls == 20


def test_another_batch_of_the_same_size_is_not_taken_for_a_lost_one(tmp_path):
    with BatchService(str.upper) as service:
        other = Asking(tmp_path / "other", anthropic, service)
        other.path.parent.mkdir()
        other.ask(requests(20, "other"))
        service.refusals["POST /v1/messages/batches"] = deque([Reply({}, 504)])
        assert texts(Asking(tmp_path, anthropic, service).ask(requests(20))) == UPPER
        assert service.billed.total() == 40


@both
def test_batch_that_the_service_has_forgotten_is_sent_again(tmp_path, make):
    with BatchService(str.upper) as service:
        service.held = True
        asking = Asking(tmp_path, make, service)
        asking.interrupted(requests(20))
        service.held = False
        service.batches.clear()
        assert texts(asking.ask(requests(20))) == UPPER
        assert service.billed.total() == 20


@both
def test_answer_without_content_is_lost_and_asked_again(tmp_path, make):
    broken = itertools.chain([Reply({"object": "nothing"})], itertools.repeat(None))
    with BatchService(lambda prompt: next(broken) or prompt.upper()) as service:
        asking = Asking(tmp_path, make, service)
        assert texts(asking.ask(requests(20))) == UPPER
        assert [len(sent.lines) for sent in service.batches] == [20, 1]
        assert asking.spent.calls == 21


@both
def test_limit_of_calls_is_kept_and_what_fits_is_one_batch(tmp_path, make):
    with BatchService(str.upper) as service:
        asking = Asking(tmp_path, make, service, calls=12)
        with pytest.raises(BudgetExhausted):
            asking.ask(requests(20))
        assert [len(sent.lines) for sent in service.batches] == [12]
        assert asking.spent.calls == service.billed.total() == 12
        asking.limits["calls"] = 20
        assert texts(asking.ask(requests(20))) == UPPER
        assert service.billed.total() == 20


@settings(max_examples=15, deadline=None)
@given(
    ends=st.lists(st.sampled_from(["completed", "expired", "cancelled"]), max_size=2),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    stop=st.booleans(),
    make=st.sampled_from([openai, anthropic]),
)
def test_any_fates_of_batches_bill_every_question_once(tmp_path_factory, ends, sizes, stop, make):
    asked = requests(sum(sizes))
    with BatchService(str.upper) as service:
        service.ends.extend(ends)
        asking = Asking(tmp_path_factory.mktemp("run"), make, service)
        if stop:
            service.held = True
            asking.interrupted(asked[: sizes[0]])
            service.held = False
        for start in range(len(sizes)):
            asking.ask(asked[: sum(sizes[: start + 1])])
        assert texts(asking.ask(asked)) == [request.messages[0].content.upper() for request in asked]
        assert set(service.billed.values()) == {1}
        assert asking.spent.calls == len(asked)


def test_key_is_in_no_message_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-user")
    with BatchService(str.upper) as service:
        service.refusals["POST /v1/files"] = deque([Reply.refusal("bad key sk-secret-of-the-user", status=401)])
        with pytest.raises(ModelError) as caught:
            Asking(tmp_path, openai, service).ask(requests(2))
        assert "sk-secret" not in str(caught.value)
        Asking(tmp_path, openai, service).ask(requests(2))
    assert all(b"sk-secret" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_no_request_goes_to_the_address_that_the_results_name(tmp_path):
    with BatchService(str.upper) as service:  # it names a host that does not exist
        assert texts(Asking(tmp_path, partial(anthropic), service).ask(requests(3))) == UPPER[:3]
