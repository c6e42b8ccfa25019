"""Runs in which each role has its endpoint: its key, its headers, its further fields, and what its service refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from instructzero.models.scripted import obey
from instructzero.testing import Endpoint, Reply
from tests.command_line import Call
from tests.models.service_refusals import REFUSALS, Refusal

KEY, JUDGE_KEY, GATE = "sk-box-1234567890abcdef", "sk-judge-1234567890abcdef", "gate-1234567890abcdef"
QUICK = ("--writer", "scripted:phrases", "--evaluations", 4, "--initial", 4, "--retries", 0, "--plain")
SMALL = ("--validation", 4, "--test", 4, "--confirmation", 2, "--answer-tokens", 16)
BOX = ("--blackbox", "openai:box")
JUDGE = ("--metric", "judge", "--judge", "openai:judge")
ASKED = ("--writer", "openai:pen", "--method", "ape", "--evaluations", 4, "--initial", 4, "--retries", 0, "--plain")

Script = Callable[[str], str | Reply]
Refuse = Callable[[Mapping[str, Any]], Reply | None]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


def answer(prompt: str) -> str:
    """Answer as a black box, a judge or a writer, whichever the prompt is for."""
    if "Grade: NUMBER" in prompt:
        return "Grade: 7"
    return "<prompt>Reverse the word.</prompt>" if "<prompt>" in prompt else obey(prompt)


@contextmanager
def serving(refuse: Refuse | None = None, **options: Any) -> Iterator[Endpoint]:
    """Serve an endpoint that answers all roles; ``refuse`` returns a refusal of a request's body, or None."""
    with Endpoint(answer, **options) as endpoint:

        def script(prompt: str) -> str | Reply:
            return (refuse(endpoint.bodies[-1]) if refuse else None) or answer(prompt)

        endpoint.script = script
        yield endpoint


def run(command_line: Call, *arguments: object) -> tuple[int, str]:
    """Return the exit code of a run, and what it says on one line."""
    code, out, err = command_line("run", "--task", "words.jsonl", "--out", "run", *SMALL, *arguments)
    return code, " ".join((out + err).split())


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def of_judge(endpoint: Endpoint) -> list[str]:
    return [prompt for prompt in endpoint.received if "Grade: NUMBER" in prompt]


def test_judge_is_asked_at_the_server_of_the_black_box_without_a_key(command_line: Call) -> None:
    with serving() as endpoint:
        code, said = run(command_line, *QUICK, *BOX, *JUDGE, "--base-url", endpoint.base_url)
    assert code == 0, said
    assert of_judge(endpoint)
    assert {body["model"] for body in endpoint.bodies} == {"box", "judge"}


def test_judge_with_its_own_address_is_asked_there_only_and_with_its_own_key(
    command_line: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("JUDGE_KEY", JUDGE_KEY)
    own = ("--judge-header", "X-Team: judges", "--judge-extra-body", '{"top_p": 0.5}', "--header", "X-Team: boxes")
    with serving() as box, serving() as judge:
        addresses = ("--base-url", box.base_url, "--judge-url", judge.base_url, "--judge-key-env", "JUDGE_KEY")
        code, said = run(command_line, *QUICK, *BOX, *JUDGE, *addresses, *own)
    assert code == 0, said
    assert (box.keys, judge.keys) == ({KEY}, {JUDGE_KEY})
    assert not of_judge(box)
    assert len(of_judge(judge)) == len(judge.received)
    assert {head.headers["x-team"] for head in box.heads} == {"boxes"}
    assert {head.headers["x-team"] for head in judge.heads} == {"judges"}
    assert {body.get("top_p") for body in judge.bodies} == {0.5}
    assert {body.get("top_p") for body in box.bodies} == {None}
    assert b"1234567890" not in stored(tmp_path / "run")


def test_deployment_on_azure_is_asked_with_its_version_and_the_key_in_its_header(
    command_line: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AZURE_KEY", KEY)
    with serving() as endpoint:
        address = f"{endpoint.root}/openai/deployments/small?api-version=2024-10-21"
        code, said = run(command_line, *QUICK, *BOX, "--base-url", address, "--key-env", "AZURE_KEY")
    assert code == 0, said
    targets = {head.target for head in endpoint.heads}
    assert targets == {"/openai/deployments/small/chat/completions?api-version=2024-10-21"}
    assert {head.headers.get("api-key") for head in endpoint.heads} == {KEY}
    assert not endpoint.keys  # none as a token
    assert KEY.encode() not in stored(tmp_path / "run")


def test_secret_header_is_sent_and_stands_in_no_file_and_no_message(
    command_line: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GATE", GATE)
    gate = ("--header", "Authorization: Bearer env:GATE", "--header", "X-Project: tests")
    refusals = iter([None] * 3)

    def refuse(body: Mapping[str, Any]) -> Reply | None:
        return next(refusals, Reply.refusal(f"who is {GATE}?", status=401))

    with serving(refuse) as endpoint:
        code, said = run(command_line, *QUICK, *BOX, "--base-url", endpoint.base_url, *gate)
    assert code == 2
    assert "who is ***?" in said
    assert endpoint.keys == {GATE}
    assert {head.headers["x-project"] for head in endpoint.heads} == {"tests"}
    assert GATE not in said
    assert GATE.encode() not in stored(tmp_path / "run")


def refusing(refusal: Refusal) -> Refuse:
    """Return a service that refuses every request with the parameter of a refusal."""

    def refuse(body: Mapping[str, Any]) -> Reply | None:
        return Reply(refusal.body, refusal.status) if refusal.learned in body else None

    return refuse


def first(service: str, learned: str) -> Refusal:
    return next(one for one in REFUSALS if one.service == service and one.learned == learned)


@pytest.mark.parametrize(
    ("service", "learned", "words"),
    [
        ("Kimi", "temperature", "refuses the temperature (status 400: invalid temperature: only 1 is allowed"),
        ("TGI", "temperature", "refuses the temperature (status 422: Input validation error: `temperature` must be"),
        ("OpenAI, gpt-5", "temperature", "refuses the temperature (status 400: Unsupported value: 'temperature'"),
        ("OpenRouter, with status 200", "temperature", "refuses the temperature (status 400: "),
        ("OpenAI, o series", "max_tokens", "refuses max_tokens (status 400: Unsupported parameter: 'max_tokens'"),
    ],
)
def test_refused_parameter_of_black_box_is_changed_for_the_run_and_told_once(
    command_line: Call, service: str, learned: str, words: str
) -> None:
    with serving(refusing(first(service, learned))) as endpoint:
        code, said = run(command_line, *QUICK, *BOX, "--base-url", endpoint.base_url)
    assert code == 0, said
    assert said.count(f"the service of the black box {words}") == 1
    assert [learned in body for body in endpoint.bodies].count(True) == 1


@pytest.mark.parametrize("service", ["Kimi", "TGI"])
def test_judge_whose_service_refuses_its_temperature_works_and_it_is_told(command_line: Call, service: str) -> None:
    refusal = refusing(first(service, "temperature"))
    with serving() as box, serving(refusal) as judge:
        addresses = ("--base-url", box.base_url, "--judge-url", judge.base_url)
        code, said = run(command_line, *QUICK, *BOX, *JUDGE, *addresses)
    assert code == 0, said
    assert said.count("the service of the judge refuses the temperature") == 1
    assert "the service of the black box refuses" not in said
    assert {body.get("temperature") for body in box.bodies} == {0.0}


def test_writer_whose_service_refuses_seeds_and_temperatures_writes_all_the_same(command_line: Call) -> None:
    refusals = [first("Groq", "seed"), first("xAI", "temperature")]

    def refuse(body: Mapping[str, Any]) -> Reply | None:
        return next((Reply(one.body, one.status) for one in refusals if one.learned in body), None)

    with serving() as box, serving(refuse) as pen:
        addresses = ("--base-url", box.base_url, "--writer-url", pen.base_url)
        code, said = run(command_line, *ASKED, *BOX, *addresses)
    assert code == 0, said
    assert said.count("the service of the writer refuses the seed") == 1
    assert said.count("the service of the writer refuses the temperature") == 1
    assert pen.billed.total() > 0


def test_refused_temperature_is_not_told_by_a_resumed_run_that_asks_nothing(command_line: Call) -> None:
    with serving(refusing(first("Kimi", "temperature"))) as endpoint:
        arguments = (*QUICK, *BOX, "--base-url", endpoint.base_url)
        run(command_line, *arguments)
        asked = len(endpoint.bodies)
        code, said = run(command_line, *arguments)
    assert (code, len(endpoint.bodies)) == (0, asked)
    assert "refuses the temperature" not in said


@pytest.mark.parametrize(
    ("role", "flag"), [("box", "--extra-body"), ("judge", "--judge-extra-body"), ("pen", "--writer-extra-body")]
)
def test_refused_field_of_the_user_ends_the_run_with_its_option(command_line: Call, role: str, flag: str) -> None:
    def refuse(body: Mapping[str, Any]) -> Reply | None:
        return Reply.refusal("property 'top_k' is unsupported") if "top_k" in body else None

    with serving(refuse) as endpoint:
        models = (*ASKED, *BOX, *JUDGE, "--base-url", endpoint.base_url)
        code, said = run(command_line, *models, flag, '{"top_k": 3}')
    assert code == 2
    assert f"expected fields in {flag} that {endpoint.base_url} takes for '{role}', got 'top_k'" in said
    assert 1 <= len([body for body in endpoint.bodies if "top_k" in body]) <= 4  # those in flight


def test_max_tokens_that_are_too_many_end_the_run_under_their_name(command_line: Call) -> None:
    said_by_service = "max_tokens is too large: 16. This model supports at most 8 completion tokens"
    with serving(lambda body: Reply.refusal(said_by_service, param="max_tokens", code="invalid_value")) as endpoint:
        code, said = run(command_line, *QUICK, *BOX, "--base-url", endpoint.base_url)
    assert code == 2
    assert said_by_service in said
    assert "max_completion_tokens" not in {name for body in endpoint.bodies for name in body}


@pytest.mark.parametrize(
    ("models", "named"),
    [
        (QUICK, ("--key-env", "NO_KEY")),
        ((*QUICK, *JUDGE), ("--judge-key-env", "NO_KEY")),
        (ASKED, ("--writer-key-env", "NO_KEY")),
    ],
)
def test_named_variable_without_a_key_is_refused_before_anything_is_sent(
    command_line: Call, models: tuple[object, ...], named: tuple[str, str]
) -> None:
    with serving() as endpoint:
        code, said = run(command_line, *models, *BOX, "--base-url", endpoint.base_url, *named)
    assert code == 2
    assert f"in the environment variable NO_KEY, got none; set it, or leave {named[0]} out" in said
    assert not endpoint.received


@pytest.mark.parametrize(
    ("role", "flag"), [("box", "--key-env"), ("judge", "--judge-key-env"), ("pen", "--writer-key-env")]
)
def test_refused_key_names_its_variable_and_its_option(
    command_line: Call, monkeypatch: pytest.MonkeyPatch, role: str, flag: str
) -> None:
    monkeypatch.setenv("OWN_KEY", KEY)

    def refuse(body: Mapping[str, Any]) -> Reply | None:
        return Reply.refusal("wrong key", status=401) if body["model"] == role else None

    with serving(refuse) as endpoint:
        models = (*ASKED, *BOX, *JUDGE, "--base-url", endpoint.base_url)
        code, said = run(command_line, *models, flag, "OWN_KEY")
    assert code == 2
    assert f"expected a key for {endpoint.base_url} in the environment variable OWN_KEY" in said
    assert f"or name its variable with {flag}" in said
