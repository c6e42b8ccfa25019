"""The Inspect task has the messages of the run, and gives the score of its test."""

from __future__ import annotations

import ast
import gc
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from instructzero.config import Settings, make_settings
from instructzero.errors import TaskError
from instructzero.exports.access import Access, Header
from instructzero.exports.asking import Asking
from instructzero.exports.inspect import inspect_program
from instructzero.finished_run import FinishedRun
from instructzero.tasks import Task, get_metric
from instructzero.testing import Endpoint, Reply
from instructzero.types import Example
from tests.command_line import Call
from tests.exports.askings import ASKINGS, HOSTILE, MAIL, MAIL_SHOTS, MAILS, make_asking

pytestmark = pytest.mark.filterwarnings("ignore")  # of Inspect and its dependencies, which leave streams open
SETTINGS = make_settings({"task": "words"})
NASTY = 'Turn {it} "round".\\\n\0 {{x}} \'\'\' """ é'


def task_of(examples: list[Example], metric: str) -> Task:
    first, second, *tests = examples
    return Task("words", (first,), (second,), tuple(tests), get_metric(metric).bind(examples))


def words(*answers: str) -> list[Example]:
    return [Example(f"word {number}", (answer,)) for number, answer in enumerate(answers)]


# Inspect leaves streams of anyio open; without the collection they would be found in a later test. It also names a
# parameter of tenacity that the newest one calls deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def streams_of_inspect_are_collected() -> Iterator[None]:
    yield
    gc.collect()


def evaluated(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """Run the task as ``inspect eval`` does, and return its log."""
    inspect_ai = pytest.importorskip("inspect_ai")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("INSPECT_LOG_DIR", str(folder / "logs"))
    monkeypatch.chdir(folder)
    Path("inspect_task.py").write_text(program, encoding="utf-8")
    (log,) = inspect_ai.eval("inspect_task.py", log_dir=str(folder / "logs"), display="none", **options)
    assert log.status == "success", log.error
    return log


def server(endpoint: Endpoint) -> dict[str, Any]:
    """Return the options of the command for a server with OpenAI's API."""
    return {
        "model": "openai-api/server/demo",
        "model_base_url": endpoint.base_url,
        "model_args": {"api_key_var": "OPENAI_API_KEY"},
    }


@settings(deadline=None)
@given(ASKINGS)
def test_program_with_hostile_texts_parses(asking: Asking) -> None:
    program = inspect_program(asking, task_of(words("a", "b", "c"), "choice"), "choice", SETTINGS)
    assert ast.parse(program.encode("utf-8", "backslashreplace"))


@settings(deadline=None)  # the first one loads Inspect
@given(HOSTILE, MAILS, MAIL_SHOTS)
def test_examples_and_messages_with_hostile_texts_are_those_of_the_run(
    instruction: str, mail: dict[str, str], shots: tuple[Example, ...]
) -> None:
    pytest.importorskip("inspect_ai")
    asking = make_asking(instruction=instruction, template=MAIL, shots=shots)
    examples = [*words("a", "b"), Example("whole", (mail["subject"], "x"), {**mail, "kind": float("nan")})]
    program = inspect_program(asking, task_of(examples, "verbatim"), "verbatim", SETTINGS)
    names: dict[str, Any] = {"__name__": "task"}
    exec(compile(program.encode("utf-8", "backslashreplace"), "inspect_task.py", "exec"), names)
    (sample,) = names["instructzero_prompt"]().dataset
    expected = asking.prompt.messages(instruction, mail)
    assert [(turn.role, turn.content) for turn in sample.input] == [(turn.role, turn.content) for turn in expected]
    assert sample.target == [mail["subject"], "x"]
    assert dict(names["known"](names["EXAMPLES"][0]).columns) == {**mail, "kind": None}


MESSAGES = Path(__file__).parents[2] / "examples" / "tickets"


@pytest.mark.parametrize("metric", ["choice", "macro_f1", "contains"])
def test_evaluation_gives_the_test_score_of_the_run(
    metric: str, command_line: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai")
    tickets = runpy.run_path(str(MESSAGES / "server.py"))
    asked = ["--input-column", "subject,body", "--output-column", "team", "--prompt", MESSAGES / "prompt.txt"]
    models = ["--blackbox", "openai:demo", "--writer", "openai:demo"]
    small = ["--evaluations", 3, "--validation", 10, "--confirmation", 10, "--test", 30, "--out", "run", "--quiet"]
    with Endpoint(tickets["answer"]) as endpoint:
        given = ["--task", MESSAGES / "rows.csv", *asked, "--metric", metric, *models, "--base-url", endpoint.base_url]
        assert command_line("run", *given, *small)[0] == 0
        sent = {json.dumps(body, sort_keys=True) for body in endpoint.bodies}
        code, program, _ = command_line("export", "run", "--format", "inspect")
        log = evaluated(program, tmp_path, monkeypatch, **server(endpoint))
        bodies = [json.dumps(body, sort_keys=True) for body in list(endpoint.bodies)[-30:]]
    assert code == 0
    assert set(bodies) <= sent  # the same requests to the last parameter
    measured = log.results.scores[0].metrics
    record = FinishedRun.read(tmp_path / "run").record
    assert 0.3 < record["test_score"] < 1
    name = metric if metric == "macro_f1" else "accuracy"
    assert measured[name].value == pytest.approx(record["test_score"])
    assert "stderr" in measured or metric == "macro_f1"


def test_metric_knows_the_answers_of_all_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # "maybe" is an option only of an example that is no test example: an answer that names it too is wrong.
    examples = words("maybe", "no", "yes", "no")
    program = inspect_program(make_asking(), task_of(examples, "choice"), "choice", SETTINGS)
    with Endpoint(lambda prompt: "yes or maybe" if "word 2" in prompt else "no") as endpoint:
        log = evaluated(program, tmp_path, monkeypatch, **server(endpoint))
    assert [sample.scores["run_metric"].value for sample in log.samples] == [0.0, 1.0]


def test_judge_grades_with_the_request_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(
        {"task": "words", "metric": "judge", "judge": "openai:big", "judge_criteria": "It is short. 'x'"}
    )
    program = inspect_program(make_asking(), judged_task(), "judge", settings)
    assert "--model-role grader=openai/big" in program
    with Endpoint(lambda prompt: "Grade: 7" if "It is short. 'x'" in prompt else "an answer") as endpoint:
        options = server(endpoint)
        inspect_ai = pytest.importorskip("inspect_ai")
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        grader = inspect_ai.model.get_model(options["model"], base_url=endpoint.base_url, **options["model_args"])
        log = evaluated(program, tmp_path, monkeypatch, model_roles={"grader": grader}, **options)
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(0.7)


def judged_task() -> Task:
    """Return a task of a judge: its metric is no part of the export."""
    return task_of(words("a", "b", "c", "d"), "exact_match")


def test_parameters_headers_and_fields_are_those_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "gate-secret")
    access = Access(headers=(Header("X-Team", "search"), Header("X-Gate", "Token ", "GATE")), extra_body={"top_k": 5})
    asking = make_asking(instruction=NASTY, temperature=0.5, access=access)
    program = inspect_program(asking, task_of(words("a", "b", "c"), "exact_match"), "exact_match", SETTINGS)
    with Endpoint(lambda prompt: "c") as endpoint:
        evaluated(program, tmp_path, monkeypatch, **server(endpoint))
        (body,), (head,) = endpoint.bodies, endpoint.heads
    assert "secret" not in program
    assert (body["temperature"], body["max_tokens"], body["top_k"]) == (0.5, 64, 5)
    assert (head.headers["x-team"], head.headers["x-gate"]) == ("search", "Token gate-secret")
    assert body["messages"] == [{"role": "user", "content": asking.prompt.render(NASTY, "word 2")}]


def test_thoughts_of_a_model_that_reasons_are_no_part_of_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = inspect_program(make_asking(), task_of(words("1", "2", "3"), "numeric"), "numeric", SETTINGS)
    said = Reply(
        {
            "id": "1",
            "object": "chat.completion",
            "model": "demo",
            "created": 1,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": "<think>4?</think>It is 3.",
                    },
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10},
        }
    )
    with Endpoint(lambda prompt: said) as endpoint:
        log = evaluated(program, tmp_path, monkeypatch, **server(endpoint))
    assert log.results.scores[0].metrics["accuracy"].value == 1


def test_without_instructzero_the_closest_scorer_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = inspect_program(make_asking(), task_of(words("a", "b", "c"), "contains"), "contains", SETTINGS)
    foreign = program.replace("from instructzero", "from package_that_is_missing")
    with Endpoint(lambda prompt: "This is c.") as endpoint:
        log = evaluated(foreign, tmp_path, monkeypatch, **server(endpoint))
    assert [score.name for score in log.results.scores] == ["includes"]
    assert log.results.scores[0].metrics["accuracy"].value == 1


def command(asking: Asking, settings: Settings = SETTINGS) -> str:
    return inspect_program(asking, task_of(words("a", "b", "c"), "f1"), "f1", settings).splitlines()[1]


def test_command_names_the_model_of_the_run() -> None:
    azure = Access(in_header=True, query=(("api-version", "2024-10-21"),))
    address = "https://mine.openai.azure.com/openai/deployments/small"
    commands = {
        "openai/gpt-4o-mini -M responses_api=false": make_asking(),
        "anthropic/gpt-4o-mini": make_asking(kind="anthropic"),
        "openai-api/server/gpt-4o-mini --model-base-url http://h/v1 -M api_key_var=OPENAI_API_KEY": make_asking(
            endpoint="http://h/v1", official=False
        ),
        "openai/azure/small -M responses_api=false": make_asking(endpoint=address, official=False, access=azure),
        "hf/local -M model_path=./models/small": make_asking(kind="hf", model="./models/small", official=False),
        "YOUR-MODEL": make_asking(kind="scripted"),
    }
    for model, asking in commands.items():
        assert command(asking).endswith(f"inspect eval inspect_task.py --model {model}")
    assert "AZUREAI_OPENAI_API_VERSION=2024-10-21" in command(make_asking(endpoint=address, access=azure))


def test_examples_that_cannot_be_loaded_are_remarked() -> None:
    program = inspect_program(make_asking(), None, "f1", SETTINGS)
    assert "# The test examples of the run are not available here" in program


def test_metric_that_is_unknown_here_is_named_when_the_task_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai")
    program = inspect_program(make_asking(), None, "missing_module:score", SETTINGS)
    names: dict[str, Any] = {"__name__": "task"}
    exec(compile(program, "inspect_task.py", "exec"), names)
    with pytest.raises(TaskError, match="missing_module"):
        names["instructzero_prompt"]()
