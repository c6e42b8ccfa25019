"""InstructZero as an optimiser of DSPy: it improves programs, and pays for nothing twice."""

from __future__ import annotations

import datetime
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import dspy
import pytest
from dspy.utils import DummyLM

from instructzero.config import make_settings
from instructzero.errors import ConfigurationError, ModelError, TaskError
from instructzero.integrations.dspy import InstructZero
from instructzero.integrations.dspy.turns import STORE, spent_by, turns_of
from instructzero.models import dspy as dspy_models
from instructzero.testing import Endpoint, Fault, Faults
from tests.integrations.dspy_programs import (
    DEPARTMENTS,
    INTERRUPTED,
    KEY,
    SHOUT,
    SORT,
    TEXTS,
    AsyncSorter,
    Sorter,
    answer,
    compiled,
    exactly,
    instructions,
    model,
    partly,
    tickets,
)

MAX_CALLS = 400
PRICES = {f"{role}{part}_price": 1.0 for role in ("", "writer_") for part in ("input", "output")}
SIZES = {"exemplars": 2, "validation": 4, "test": 6, "confirmation": 0, "evaluations": 8}


class Compiled(NamedTuple):
    program: Any
    student: Any
    endpoint: Endpoint
    out: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    out, student, examples = tmp_path_factory.mktemp("dspy"), Sorter(), tickets()
    with Endpoint(answer) as endpoint, dspy.context(lm=model(endpoint.base_url)):
        optimizer = InstructZero(metric=partly, max_calls=MAX_CALLS, out=out)
        program = optimizer.compile(student, trainset=examples[:24], valset=examples[24:])
        yield Compiled(program, student, endpoint, out)


@contextmanager
def serving(script: Any = answer, **options: Any) -> Iterator[Endpoint]:
    with Endpoint(script, **options) as endpoint, dspy.context(lm=model(endpoint.base_url)):
        yield endpoint


def repeated(endpoint: Endpoint) -> int:
    """Return the number of prompts of the program that came again; the writer's differ in their seeds only."""
    return sum(count - 1 for prompt, count in endpoint.received.items() if "<prompt>" not in prompt)


def journals(out: Path) -> dict[str, list[bytes]]:
    """Return the journals without their headers, which hold the address."""
    return {path.parent.name: path.read_bytes().splitlines()[1:] for path in sorted(out.glob("*/journal.jsonl"))}


def test_compile_improves_both_predictors_within_the_limit(run: Compiled) -> None:
    assert instructions(run.program) == {"summarise": SHOUT, "classify": SORT}
    assert run.program.score == 1.0
    assert run.endpoint.received.total() <= MAX_CALLS
    assert repeated(run.endpoint) == 0


def test_compile_leaves_the_given_program_alone(run: Compiled) -> None:
    assert instructions(run.student) == instructions(Sorter())
    assert not hasattr(run.student, "score")


def test_compiled_program_answers_through_the_users_own_model(run: Compiled) -> None:
    before = run.endpoint.received.total()
    own = model(run.endpoint.base_url, cache=False)
    with dspy.context(lm=own):
        assert run.program(ticket="A parcel is lost").department == "shipping"
    own.close()
    assert run.endpoint.received.total() == before + 2


def test_compile_again_asks_nothing_and_returns_the_same(run: Compiled) -> None:
    before = run.endpoint.received.total()
    again = compiled(run.endpoint.base_url, str(run.out), max_calls=MAX_CALLS)
    assert instructions(again) == instructions(run.program)
    assert again.score == run.program.score
    assert run.endpoint.received.total() == before


def test_cache_of_dspy_hides_no_call_and_the_journal_is_the_same(run: Compiled, tmp_path: Path) -> None:
    with serving() as endpoint:
        program = compiled(endpoint.base_url, str(tmp_path), max_calls=MAX_CALLS)
        paid = [usage.calls for result in program.results for usage in result.spent.values()]
        assert endpoint.received.total() == sum(paid) > 50
    assert journals(tmp_path) == journals(run.out)


def test_page_links_to_the_report_of_each_turn(run: Compiled) -> None:
    assert run.program.report == run.out / "report.html"
    page = run.program.report.read_text(encoding="utf-8")
    assert SHOUT in page
    assert '<div class="wide" tabindex="0" role="region" aria-label="Turns"><table>' in page  # scrolls on a phone
    for link in ("1-summarise/report.html", "2-classify/report.html"):
        assert f'href="{link}"' in page
        assert (run.out / link).stat().st_size > 10_000


def test_no_key_is_in_any_file(run: Compiled) -> None:
    files = [path for path in run.out.rglob("*") if path.is_file()]
    assert len(files) > 6
    assert not any(KEY.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("limit", [1, 80])
def test_limit_is_never_exceeded_and_the_best_so_far_is_returned(limit: int, tmp_path: Path) -> None:
    with serving() as endpoint:
        program = compiled(endpoint.base_url, str(tmp_path / "out"), max_calls=limit)
        assert endpoint.received.total() <= limit
    assert set(instructions(program).values()) <= {SHOUT, SORT, *instructions(Sorter()).values()}
    if limit < 10:
        assert (program.score, program.results) == (None, [])
        assert "the limit left no room" in program.report.read_text(encoding="utf-8")


def test_kept_instruction_is_the_given_one_if_no_other_is_better(tmp_path: Path) -> None:
    lm = DummyLM({"parcel": {"department": "shipping"}, "invoice": {"department": "billing"}})
    with dspy.context(lm=lm):
        optimizer = InstructZero(metric=exactly, writer=lambda request: TEXTS, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(dspy.Predict("ticket -> department"), trainset=tickets(8))
    assert program.signature.instructions == dspy.Predict("ticket -> department").signature.instructions
    assert 0 < program.score < 1
    assert lm.history


def test_async_program_is_compiled(tmp_path: Path) -> None:
    with serving() as endpoint:
        optimizer = InstructZero(metric=exactly, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(AsyncSorter(), trainset=tickets(8))
    assert (instructions(program), program.score) == ({"classify": SORT}, 1.0)
    assert repeated(endpoint) == 0


def test_calls_of_the_second_adapter_count_too(tmp_path: Path) -> None:
    def garbled(prompt: str) -> str:
        if "<prompt>" in prompt:
            return TEXTS
        return json.dumps({"department": "billing"}) if "JSON" in prompt else "no field at all"

    with serving(garbled) as endpoint:
        optimizer = InstructZero(metric=exactly, max_calls=150, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(dspy.Predict("ticket -> department"), trainset=tickets(8))
        (result,) = program.results
    assert sum(usage.calls for usage in result.spent.values()) == endpoint.received.total() <= 150
    assert result.spent["black box"].calls % 2 == 0
    assert sum("no field" not in garbled(prompt) for prompt in endpoint.received) > 10


def of_gepa(gold: Any, pred: Any, trace: Any, pred_name: str | None, pred_trace: Any) -> dict[str, Any]:
    return {"score": exactly(gold, pred), "feedback": "say it without the word probably"}


@pytest.mark.parametrize(
    ("metric", "feedback"),
    [
        (lambda gold, pred: exactly(gold, pred), ""),
        (lambda gold, pred, trace: exactly(gold, pred), ""),
        (of_gepa, "say"),
    ],
    ids=["two parameters", "three parameters", "those of GEPA"],
)
def test_metric_receives_as_many_arguments_as_it_takes(metric: Any, feedback: str, tmp_path: Path) -> None:
    with serving():
        optimizer = InstructZero(metric=metric, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(AsyncSorter(), trainset=tickets(8))
    assert (instructions(program), program.score) == ({"classify": SORT}, 1.0)
    (result,) = program.results
    assert all(remark.startswith(feedback) for remark in result.best.test.remarks)


def test_examples_that_differ_only_in_a_date_are_different(tmp_path: Path) -> None:
    class Dated(AsyncSorter):
        async def aforward(self, ticket: str, day: datetime.date) -> Any:
            return await super().aforward(f"{ticket} since {day}")

    days = [datetime.date(2026, 5, number + 1) for number in range(24)]
    examples = [
        dspy.Example(ticket="crash", day=day, department="support").with_inputs("ticket", "day") for day in days
    ]
    with serving() as endpoint:
        optimizer = InstructZero(metric=exactly, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(Dated(), trainset=examples)
    assert program.score == 1.0
    assert sum("CRASH SINCE 2026-05-" in prompt for prompt in endpoint.received) > 10


def test_agent_with_tools_and_typed_fields_is_compiled_without_a_warning_of_dspy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(logging.getLogger("dspy.primitives.module"), "warning", lambda text, *_: warned.append(text))

    def owner(word: str) -> str:
        return DEPARTMENTS[word]

    def answered(prompt: str) -> str:
        if "<prompt>" in prompt:
            return TEXTS
        question = json.loads(prompt[prompt.index("{") :]) if prompt.startswith("{") else prompt
        word = next(word for word in DEPARTMENTS if word in prompt)
        if "next_tool_name" not in prompt:
            return json.dumps({"reasoning": "", "department": DEPARTMENTS[word], "urgent": SORT in str(question)})
        tool, arguments = ("finish", {}) if "observation_0" in prompt else ("owner", {"word": word})
        return json.dumps({"next_thought": "", "next_tool_name": tool, "next_tool_args": arguments})

    def urgent(example: Any, prediction: Any, trace: Any = None) -> bool:
        return prediction.department == example.department and prediction.urgent is True

    agent = dspy.ReAct("ticket: str -> department: Literal['billing', 'shipping', 'support'], urgent: bool", [owner])
    with serving(answered) as endpoint, dspy.context(adapter=dspy.JSONAdapter()):
        optimizer = InstructZero(metric=urgent, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(agent, trainset=tickets(8))
    assert program.score == 1.0
    assert instructions(program)["extract.predict"] == SORT
    assert repeated(endpoint) == 0
    assert warned == []


def test_rounds_end_when_one_changes_nothing(run: Compiled, tmp_path: Path) -> None:
    with serving() as endpoint:
        program = compiled(endpoint.base_url, str(tmp_path), rounds=3, max_calls=1200)
        assert endpoint.received.total() <= 1200
        assert repeated(endpoint) == 0
    assert instructions(program) == instructions(run.program)
    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert folders == ["1-summarise", "2-classify", "3-summarise", "4-classify"]
    assert "4 turns, 2 of which found a better instruction" in program.report.read_text(encoding="utf-8")


def test_tokens_dollars_and_time_limit_all_turns_together(run: Compiled) -> None:
    limits = {"max_usd": 100.0, "max_time": 1000.0, "max_tokens": 10**6, **PRICES}
    settings = make_settings({"task": "t", "blackbox": "openai:m", "writer": "openai:m", **limits})
    turns = list(turns_of(["summarise", "classify"], 1, run.out))
    spent = spent_by(run.out / STORE, turns, settings)
    usages = [usage for result in run.program.results for usage in result.spent.values()]
    assert spent["max_calls"] == sum(usage.calls for usage in usages)
    assert spent["max_tokens"] == sum(usage.tokens for usage in usages)
    assert spent["max_usd"] == pytest.approx(spent["max_tokens"] / 1e6)
    assert 0 < spent["max_time"] < 1000


@pytest.mark.parametrize("limit", [{"max_usd": 0.012, **PRICES}, {"max_time": 1e-3}])
def test_limit_of_dollars_or_time_is_no_limit_of_each_turn(limit: dict[str, float], tmp_path: Path) -> None:
    with serving() as endpoint:
        program = compiled(endpoint.base_url, str(tmp_path), **limit)
    if "max_time" in limit:
        assert (program.results, endpoint.received.total()) == ([], 0)
    else:
        tokens = sum(usage.tokens for result in program.results for usage in result.spent.values())
        assert 0 < tokens <= 12_000


def test_exception_of_a_program_scores_0_with_its_reason(tmp_path: Path) -> None:
    class Fragile(Sorter):
        def forward(self, ticket: str) -> Any:
            if "crash" in ticket:
                raise ValueError("cannot read <b>this</b> ticket")
            return super().forward(ticket)

    with serving():
        optimizer = InstructZero(metric=exactly, out=tmp_path / "out", **SIZES)
        program = optimizer.compile(Fragile(), trainset=tickets(8))
    failed = [one for result in program.results for one in result.best.test.incomplete]
    assert failed
    assert {one.reason for one in failed} == {"ValueError: cannot read <b>this</b> ticket"}
    report = (tmp_path / "out" / "2-classify" / "report.html").read_text(encoding="utf-8")
    assert "cannot read" in report
    assert "<b>this</b>" not in report


def test_predictors_with_models_of_their_own_ask_those(tmp_path: Path) -> None:
    program = Sorter()
    with Endpoint(answer) as first, Endpoint(answer) as second:
        program.summarise.lm = model(first.base_url)
        program.classify.lm = model(second.base_url, temperature=0.5)
        optimizer = InstructZero(metric=partly, max_calls=300, out=tmp_path / "out", **{**SIZES, "test": 12})
        better = optimizer.compile(program, trainset=tickets(8))
        assert instructions(better) == {"summarise": SHOUT, "classify": SORT}
        assert all("## summary ##" in prompt for prompt in first.received if "<prompt>" not in prompt)
        assert {body["temperature"] for body in second.bodies if "<prompt>" not in str(body)} == {0.5}
        assert repeated(first) == repeated(second) == 0
        assert first.received.total() + second.received.total() <= 300
    assert better.classify.lm.kwargs["temperature"] == 0.5


def test_feedback_of_the_metric_reaches_the_writer(tmp_path: Path) -> None:
    def advising(example: Any, prediction: Any, trace: Any = None) -> Any:
        return dspy.Prediction(score=exactly(example, prediction), feedback="say it without the word probably")

    def learning(prompt: str) -> str:
        first = "<prompt>Do it.</prompt><prompt>Say hello.</prompt>"
        return first if "<prompt>" in prompt and "without the word probably" not in prompt else answer(prompt)

    with serving(learning) as endpoint:
        optimizer = InstructZero(metric=advising, out=tmp_path / "out", initial=2, batch=2, **SIZES)
        optimizer.compile(AsyncSorter(), trainset=tickets(8))
    assert any("without the word probably" in prompt for prompt in endpoint.received if "<prompt>" in prompt)


def test_faults_of_the_service_are_tried_again_and_never_by_dspy(tmp_path: Path) -> None:
    faults = Faults({Fault.SERVER_ERROR: 0.1, Fault.THROTTLED: 0.1}, seed=3, retry_after=0.01)
    with serving(faults=faults) as endpoint:
        optimizer = InstructZero(metric=exactly, out=tmp_path / "out", retries=8, **SIZES)
        program = optimizer.compile(AsyncSorter(), trainset=tickets(8))
    assert instructions(program) == {"classify": SORT}
    assert endpoint.failed.total() > 3
    (result,) = program.results
    assert sum(usage.calls for usage in result.spent.values()) == endpoint.billed.total()


def test_wrong_key_ends_the_run_at_once_with_one_sentence(tmp_path: Path) -> None:
    from instructzero.testing import Reply

    with (
        serving(lambda prompt: Reply.refusal(f"no such key {KEY}", status=401)) as endpoint,
        pytest.raises(ModelError, match=r"openai/demo cannot be used \(LMAuthError.*check its key") as caught,
    ):
        InstructZero(metric=exactly, out=tmp_path / "out", **SIZES).compile(Sorter(), trainset=tickets(8))
    assert endpoint.received.total() <= 2
    assert KEY not in str(caught.value)


def test_score_outside_0_and_1_names_the_metric(tmp_path: Path) -> None:
    with serving(), pytest.raises(TaskError, match=r"expected a number from 0 to 1.* from the metric, got 7"):
        InstructZero(metric=lambda example, prediction, trace=None: 7, out=tmp_path / "out", **SIZES).compile(
            AsyncSorter(), trainset=tickets(8)
        )


def test_impossible_arguments_are_refused_before_the_first_call(tmp_path: Path) -> None:
    for arguments, sentence in (
        ({"metric": "exact"}, "expected a function"),
        ({"metric": lambda example: 1.0}, r"expected a function metric\(example, prediction, trace=None\)"),
        ({"metric": exactly, "tests": 3}, "unknown setting 'tests'; did you mean 'test'"),
        ({"metric": exactly, "blackbox": "openai:m"}, "expected no setting blackbox"),
        ({"metric": exactly, "rounds": 0}, "expected a number of rounds from 1"),
        ({"metric": exactly, "max_calls": 0}, "max_calls"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            InstructZero(**arguments)
    optimizer = InstructZero(metric=exactly, out=tmp_path / "out")
    bare = [dspy.Example(ticket="a", department="b")]
    with serving() as endpoint:
        for given, sentence in (
            ({"trainset": bare}, "with_inputs"),
            ({"trainset": tickets(1)[:2]}, "at least 3 different examples in trainset, got 2"),
            ({"trainset": 3 * tickets(1)[:1]}, "at least 3 different examples in trainset, got 1"),
            ({"trainset": []}, "at least 3 different examples in trainset, got 0"),
            ({"trainset": None}, "expected a list of dspy.Example as trainset and valset, got NoneType"),
            ({"trainset": tickets(8), "teacher": Sorter()}, "got also teacher"),
        ):
            with pytest.raises(ConfigurationError, match=sentence):
                optimizer.compile(Sorter(), **given)
        for student in (Sorter, dspy.Module()):
            with pytest.raises(ConfigurationError, match=r"expected a dspy\.Module with a predictor, got"):
                optimizer.compile(student, trainset=tickets(8))
        assert endpoint.received.total() == 0
    with dspy.context(lm=None), pytest.raises(ConfigurationError, match=r"call dspy\.configure"):
        optimizer.compile(Sorter(), trainset=tickets(8))


def test_changed_program_is_not_taken_for_the_one_before(run: Compiled) -> None:
    class Other(Sorter):
        def forward(self, ticket: str) -> Any:
            return self.classify(summary=ticket)

    Other.__name__ = "Sorter"
    examples = tickets()
    with pytest.raises(ConfigurationError, match="holds another run"):
        InstructZero(metric=partly, max_calls=MAX_CALLS, out=run.out).compile(
            Other(), trainset=examples[:24], valset=examples[24:]
        )


def test_missing_dspy_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dspy_models, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'instructzero\[dspy\]'"):
        dspy_models.require_dspy()


class Compiler:
    """A process that starts processes which compile the program; they start quickly, because all is imported."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.integrations.dspy_programs"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def run(
        self, endpoint: Endpoint, out: Path, kill_after: int | None, end: int = signal.SIGKILL, **settings: Any
    ) -> int:
        """Compile, and end the process by a signal after so many further requests; return its exit code."""
        arguments = {"base_url": endpoint.base_url, "out": str(out), **settings}
        before = endpoint.received.total()
        self._stdin.write(json.dumps(arguments) + "\n")
        self._stdin.flush()
        process = int(self._stdout.readline())
        if kill_after is not None:
            while endpoint.received.total() < before + kill_after:
                os.kill(process, 0)  # raises if it has ended already
                time.sleep(0.001)
            os.kill(process, end)
        return int(self._stdout.readline())

    def close(self) -> None:
        self._stdin.close()
        self._process.wait(60)
        self._stdout.close()


def test_interrupts_in_both_turns_lose_no_call_and_change_no_byte(run: Compiled, tmp_path: Path) -> None:
    compiler, settings = Compiler(), {"max_calls": MAX_CALLS}
    try:
        with Endpoint(answer, latency=0.002) as endpoint:
            for moment in (10, run.endpoint.received.total() // 2):
                assert compiler.run(endpoint, tmp_path, moment, signal.SIGINT, **settings) == INTERRUPTED
            assert compiler.run(endpoint, tmp_path, None, **settings) == 0
            assert repeated(endpoint) == 0
    finally:
        compiler.close()
    assert journals(tmp_path) == journals(run.out)


def test_kills_at_many_moments_repeat_no_stored_call_and_change_no_byte(tmp_path: Path) -> None:
    settings: dict[str, Any] = {**SIZES, "test": 12, "max_calls": 1000}  # a limit that lost calls do not reach
    compiler, moments = Compiler(), [1, 20, 30, 20]
    try:
        with Endpoint(answer, latency=0.002) as endpoint:
            clean = compiled(endpoint.base_url, str(tmp_path / "clean"), **settings)
            needed = endpoint.received.total()
        with Endpoint(answer, latency=0.002) as endpoint:
            for moment in moments:
                assert compiler.run(endpoint, tmp_path / "out", moment, **settings) == -signal.SIGKILL
            assert compiler.run(endpoint, tmp_path / "out", None, **settings) == 0
            received = endpoint.received.total()
            program = compiled(endpoint.base_url, str(tmp_path / "out"), **settings)
            assert endpoint.received.total() == received
    finally:
        compiler.close()
    assert instructions(program) == instructions(clean) == {"summarise": SHOUT, "classify": SORT}
    assert journals(tmp_path / "out") == journals(tmp_path / "clean")
    lost = sum(count for result in program.results for count in result.lost.values())
    assert received - needed <= lost <= len(moments) * dspy_models.CONCURRENCY
    assert repeated(endpoint) <= lost
