"""The command ``doctor``: one real question to the model of each role, and the fix for what is wrong."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from instructzero.cli.doctor import installation
from instructzero.cli.doctor.findings import Finding, State, print_findings
from instructzero.cli.doctor.parallelism import examine_parallelism, parallelism_in_words
from instructzero.errors import LONGEST_MESSAGE, TransientError
from instructzero.models.packed import embedded_folder
from instructzero.testing import Endpoint, Reply
from instructzero.testing.proxy import Proxy
from instructzero.testing.writer_server import WriterServer
from instructzero.types import Completion, Message, Request
from tests import virtual_time
from tests.models.conftest import save_tiny

KEY = "sk-MARKER1234567890"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the checks of the installation, which load the embedded models."""
    monkeypatch.setattr(installation, "examine_installation", lambda: iter(()))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def doctor(command_line) -> Callable[..., tuple[int, dict[str, str]]]:
    """Return the command; a call gives its exit code and its lines by name."""

    def run(*arguments: object) -> tuple[int, dict[str, str]]:
        code, out, err = command_line("doctor", *arguments)
        lines = [line for line in out.splitlines() if line[:4].strip() in ("ok", "FAIL", "note")]
        found = {line[6:].partition(": ")[0]: f"{line[:4].strip()} {line[6:].partition(': ')[2]}" for line in lines}
        return code, found | ({"error": err.strip()} if err else {})

    return run


def answers(prompt: str) -> str:
    if "Grade" in prompt:
        return "Grade: 10"
    return "<prompt>Write it in capitals.</prompt>" if "<prompt>" in prompt else "5"


def chat(content: str, **usage: Any) -> Reply:
    """Return a reply of OpenAI's API with a usage of one's own."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return Reply({"choices": [choice], **({"usage": usage} if usage else {})})


def test_without_a_model_asks_nobody(doctor) -> None:
    with Proxy() as proxy, pytest.MonkeyPatch.context() as patch:
        for name, value in proxy.environment.items():
            patch.setenv(name, value)
        assert doctor() == (0, {})
    assert proxy.asked == []


def test_each_role_is_asked_one_question_and_four_at_once(doctor) -> None:
    with Endpoint(answers) as box, Endpoint(answers) as judge, Endpoint(answers) as writer:
        code, found = doctor(
            *("--blackbox", "openai:m", "--base-url", box.base_url),
            *("--judge", "openai:j", "--judge-url", judge.base_url),
            *("--writer", "anthropic:w", "--writer-url", writer.root),
        )
    assert code == 0
    assert [endpoint.billed.total() for endpoint in (box, judge, writer)] == [5, 5, 5]
    assert all(len(endpoint.received) == 5 for endpoint in (box, judge, writer)), "no question twice"
    assert found["black box, address"] == f"ok openai:m at {box.base_url}; chat completions of OpenAI's API"
    assert found["black box, key"] == "ok OPENAI_API_KEY is not set, so none is sent"
    assert found["black box, answer"].startswith("ok “5” after")
    assert found["black box, parameters"] == "ok all were accepted"
    assert found["black box, tokens"].startswith("ok prompt 9 (0 cached), answer 1 (0 thoughts); at most")
    assert found["black box, price"].startswith("note not known: name it with --input-price and --output-price")
    assert found["black box, parallelism"].startswith("ok 4 questions at once took")
    assert found["judge, answer"].startswith("ok “Grade: 10” after")
    assert found["writer, address"] == f"ok anthropic:w at {writer.root}; messages of Anthropic's API"
    assert found["writer, answer"].startswith("ok “<prompt>Write it in capitals.</prompt>” after")


def test_settings_come_from_a_file_and_flags_take_precedence(doctor, tmp_path) -> None:
    with Endpoint(answers) as endpoint:
        settings = {"blackbox": "openai:file", "base_url": endpoint.base_url, "input_price": 1, "output_price": 2}
        (tmp_path / "run.yaml").write_text(json.dumps(settings))
        code, found = doctor("--config", tmp_path / "run.yaml", "--blackbox", "openai:flag", "--concurrency", "1")
    assert code == 0
    assert {body["model"] for body in endpoint.bodies} == {"flag"}
    assert (
        found["black box, price"]
        == "ok $1 and $2 per million tokens of prompt and answer; this question cost $0.000011"
    )
    assert "black box, parallelism" not in found, "one at a time is what the user wants"
    assert len(endpoint.bodies) == 1


def test_bad_input_is_exit_code_2(doctor) -> None:
    code, found = doctor("--blackbox", "openai:m", "--base-url", "http://me:secret@host/v1")
    assert (code, "secret" in found["error"]) == (2, False)
    assert doctor("--timeout", "-1")[0] == 2
    assert doctor("--task", "antonyms")[0] == 2


def test_address_of_a_black_box_without_one_is_refused(doctor) -> None:
    with Endpoint(answers) as endpoint:
        code, found = doctor("--judge", "openai:j", "--base-url", endpoint.base_url)
    assert code == 2
    assert "the address of the judge is --judge-url" in found["error"]
    assert endpoint.received.total() == 0


def test_address_alone_lists_its_models(doctor) -> None:
    with Endpoint(answers, models=["a", "b"]) as endpoint:
        assert doctor("--base-url", endpoint.base_url) == (
            0,
            {"endpoint": f"ok {endpoint.base_url} offers a, b; --blackbox openai:NAME asks one of them a question"},
        )
        code, found = doctor("--base-url", endpoint.root)
    assert code == 1
    assert f"use --base-url {endpoint.base_url}" in found["endpoint"]
    assert endpoint.received.total() == 0


def test_key_is_named_and_never_shown(doctor, monkeypatch, capfd) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with Endpoint(lambda prompt: Reply.refusal(f"wrong key {KEY}", status=401)) as endpoint:
        code, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.base_url, "--key-env", "MY_KEY")
    assert code == 1
    assert found["black box, key"] == "ok MY_KEY is set, and sent in the header Authorization"
    assert "environment variable MY_KEY, but the server refuses it" in found["black box, answer"]
    assert not any("MARKER" in line for line in found.values())


def test_missing_key_names_the_variable(doctor) -> None:
    code, found = doctor("--blackbox", "openai:gpt-4o-mini")
    assert code == 1
    assert "https://api.openai.com/v1 (the official address), looks like OpenAI" in found["black box, address"]
    assert "environment variable OPENAI_API_KEY, got none" in found["black box, model"]
    code, found = doctor("--blackbox", "openai:m", "--base-url", "http://127.0.0.1:9/v1", "--key-env", "MY_KEY")
    assert "environment variable MY_KEY, got none" in found["black box, model"]


def test_azure_takes_the_key_in_a_header_of_its_own(doctor, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    missing = Reply({"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, 404)
    with Endpoint(lambda prompt: missing) as endpoint, Proxy({"mine.openai.azure.com": endpoint.root}) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        code, found = doctor("--blackbox", "openai:m", "--base-url", "http://mine.openai.azure.com/v1")
    assert code == 1
    assert "looks like Azure" in found["black box, address"]
    assert found["black box, key"] == "ok OPENAI_API_KEY is set, and sent in the header api-key"
    assert "names of your deployments" in found["black box, fix"]
    assert proxy.hosts == {"mine.openai.azure.com"}


def test_parameters_that_are_refused_are_named(doctor) -> None:
    def picky(prompt: str) -> str | Reply:
        if "temperature" in endpoint.bodies[-1]:
            return Reply.refusal("invalid temperature: only 1 is allowed")
        return "5"

    with Endpoint(picky) as endpoint:
        code, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.base_url)
    assert code == 0
    assert found["black box, parameters"].startswith("note the service refuses the temperature (status 400: invalid")


@pytest.mark.parametrize(
    ("reply", "name", "said"),
    [
        (chat("5"), "tokens", "note the service reports no usage: at most"),
        (chat("5", prompt_tokens=10), "tokens", "note prompt 10 (0 cached), answer 0 (0 thoughts): the other part"),
        (
            chat("5", prompt_tokens=10, completion_tokens=2, total_tokens=1012),
            "tokens",
            "note prompt 10 (0 cached), answer 1002 (1000 thoughts): more than expected, at most",
        ),
        (
            chat("5", prompt_tokens=10, completion_tokens=9, prompt_tokens_details={"cached_tokens": 8}),
            "tokens",
            "ok prompt 10 (8 cached), answer 9 (0 thoughts)",
        ),
        (
            chat("5", prompt_tokens=9, completion_tokens=9, completion_tokens_details={"reasoning_tokens": 7}),
            "thoughts",
            "note 7 tokens, beside the answer; they are billed",
        ),
        (chat("<think>3 + 2</think>5", prompt_tokens=9, completion_tokens=9), "thoughts", "note in the text"),
    ],
)
def test_tokens_and_thoughts_are_as_the_service_counts_them(doctor, reply: Reply, name: str, said: str) -> None:
    with Endpoint(lambda prompt: reply) as endpoint:
        code, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.base_url)
    assert code == 0
    assert found[f"black box, {name}"].startswith(said)


@pytest.mark.parametrize(
    ("role", "said"),
    [("blackbox", "it is empty"), ("judge", "it is empty"), ("writer", "it is empty")],
)
def test_empty_answer_is_a_failure(doctor, role: str, said: str) -> None:
    address = {"blackbox": "--base-url"}.get(role, f"--{role}-url")
    with Endpoint(lambda prompt: "") as endpoint:
        code, found = doctor(f"--{role}", "openai:m", address, endpoint.base_url)
    assert code == 1
    assert found[f"{role.replace('blackbox', 'black box')}, answer"].startswith("FAIL")
    assert said in found[f"{role.replace('blackbox', 'black box')}, answer"]


def test_judge_without_a_grade_is_a_failure(doctor) -> None:
    with Endpoint(lambda prompt: "Nice answer!") as endpoint:
        code, found = doctor("--judge", "openai:j", "--judge-url", endpoint.base_url)
    assert code == 1
    assert "states no grade" in found["judge, answer"]


class Slots:
    """A black box that answers so many questions at once, in half a second each."""

    def __init__(self, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)

    async def complete(self, request: Request) -> Completion:
        async with self._slots:
            await asyncio.sleep(0.5)
        return Completion("5")


@pytest.mark.parametrize(
    ("slots", "said"),
    [(1, "2.00 s, the first of them 0.50 s: one after another"), (2, "about 2 at a time"), (4, "parallel")],
)
def test_parallelism_is_told_from_the_times_of_questions_at_once(slots: int, said: str) -> None:
    async def examine() -> Finding:
        requests = [Request((Message("user", str(number)),)) for number in range(4)]
        return await examine_parallelism("box", Slots(slots), requests)  # type: ignore[arg-type]

    finding = virtual_time.run(examine())
    assert finding.state is State.OK
    assert finding.detail.endswith(said)


def test_refusals_of_questions_at_once_are_a_note() -> None:
    class Busy:
        async def complete(self, request: Request) -> Completion:
            raise TransientError("too fast", throttled=True)

    async def examine() -> Finding:
        requests = [Request((Message("user", str(number)),)) for number in range(4)]
        return await examine_parallelism("box", Busy(), requests)  # type: ignore[arg-type]

    finding = virtual_time.run(examine())
    assert (finding.state, "lower --concurrency" in finding.detail) == (State.NOTE, True)


def test_missing_version_in_the_address_is_found(doctor) -> None:
    with Endpoint(answers, models=["m"]) as endpoint:
        code, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.root)
    assert code == 1
    assert found["black box, fix"] == f"note the API is at {endpoint.base_url}: use --base-url {endpoint.base_url}"
    assert endpoint.received.total() == 0
    with Endpoint(answers, models=["Org/M-8b"]) as endpoint:
        _, found = doctor("--blackbox", "openai:m-8b", "--base-url", endpoint.root)
    assert found["black box, fix"].endswith(
        f"use --base-url {endpoint.base_url}; the server lists no model m-8b: write openai:Org/M-8b"
    )


def test_name_of_the_model_on_the_server_is_found(doctor) -> None:
    missing = Reply({"error": {"message": "The model does not exist."}}, 404)
    with Endpoint(lambda prompt: missing, models=["Qwen/Qwen2.5-7B-Instruct", "llama3.1:8b"]) as endpoint:
        for asked, listed in {"qwen2.5-7b-instruct": "Qwen/Qwen2.5-7B-Instruct", "llama3.1": "llama3.1:8b"}.items():
            code, found = doctor("--blackbox", f"openai:{asked}", "--base-url", endpoint.base_url)
            assert code == 1
            assert found["black box, fix"] == f"note the server lists no model {asked}: write openai:{listed}"
        _, found = doctor("--blackbox", "openai:zzz", "--base-url", endpoint.base_url)
    assert found["black box, fix"].endswith("it lists Qwen/Qwen2.5-7B-Instruct, llama3.1:8b")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ollama:llama3", "did you mean openai:llama3 at http://localhost:11434/v1 (--base-url"),
        ("llama3:8b", "did you mean openai:llama3:8b with --base-url http://localhost:11434/v1"),
        ("llama3", "did you mean openai:llama3 with --base-url http://localhost:11434/v1"),
        ("lmstudio:m", "did you mean openai:m at http://localhost:1234/v1"),
        ("groq:m", "--key-env GROQ_API_KEY"),
        ("gpt-4o", "did you mean openai:gpt-4o?"),
        ("claude-haiku-4-5", "did you mean anthropic:claude-haiku-4-5?"),
        ("opnai:m", "did you mean openai:MODEL?"),
        ("vllm:m", "openai:m with --base-url http://localhost:8000/v1"),
    ],
)
def test_other_names_of_models_lead_to_the_right_one(doctor, spec: str, said: str) -> None:
    code, found = doctor("--blackbox", spec)
    assert code == 1
    assert said in found["black box, model"]


def test_address_of_a_request_is_refused_with_the_right_one(doctor) -> None:
    for pasted in ("http://127.0.0.1:9/v1/chat/completions", "http://127.0.0.1:9/v1/models/"):
        code, found = doctor("--blackbox", "openai:m", "--base-url", pasted)
        assert code == 1
        assert found["black box, model"].endswith("write http://127.0.0.1:9/v1")


def test_refused_connection_asks_for_the_server(doctor) -> None:
    code, found = doctor("--blackbox", "openai:m", "--base-url", "http://127.0.0.1:9/v1")
    assert code == 1
    assert "nothing listens there: start the server" in found["black box, answer"]


def test_proxy_that_refuses_is_named_without_its_password(doctor, monkeypatch) -> None:
    with Proxy() as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value.replace("//", "//me:secret@"))
        for url in ("http://model.invalid/v1", "https://model.invalid/v1"):
            code, found = doctor("--blackbox", "openai:m", "--base-url", url)
            said = found["black box, answer"] + found.get("black box, fix", "")
            assert code == 1
            assert f"the proxy {proxy.root.removeprefix('http://')} of the environment" in said
            assert "NO_PROXY" in said
            assert "secret" not in str(found)
    assert proxy.hosts == {"model.invalid"}


class Page(BaseHTTPRequestHandler):
    """A web page at every path."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve web pages, and yield host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_web_page_is_no_api(doctor) -> None:
    with served() as place:
        code, found = doctor("--blackbox", "openai:m", "--base-url", f"http://{place}")
        assert code == 1
        assert "is no API, and neither is" in found["black box, fix"]
        _, found = doctor("--blackbox", "openai:m", "--base-url", f"http://{place}/v1")
        assert "check the address (--base-url) and its path" in found["black box, fix"]


def test_https_address_of_an_http_server_is_found_without_sending_the_key(doctor, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Endpoint(answers, models=["m"]) as endpoint:
        url = endpoint.base_url.replace("http:", "https:")
        code, found = doctor("--blackbox", "openai:m", "--base-url", url, "--timeout", "1")
    assert code == 1
    assert f"http{endpoint.base_url.removeprefix('http')}" in found["black box, answer"] + found.get(
        "black box, fix", ""
    )
    assert KEY not in endpoint.keys


def test_local_black_box_and_writer_show_template_and_context(doctor) -> None:
    code, found = doctor("--blackbox", "embedded:blackbox", "--writer", "embedded:writer")
    assert code == 0
    assert found["black box, chat template"] == "ok used"
    assert found["black box, context"].endswith("tokens")
    assert "writer, chat template" in found
    assert found["writer, answer"].startswith("ok “")


def test_chat_template_and_system_role_of_a_local_black_box(doctor, tmp_path) -> None:
    _, found = doctor("--blackbox", f"hf:{save_tiny(tmp_path / 'qwen2', 'qwen2')}", "--answer-tokens", "8")
    assert found["black box, chat template"] == "ok used"
    assert found["black box, system role"] == "ok the template has one"
    assert not any(name.startswith("black box, p") for name in found), "neither price nor parallelism of a local model"


def test_served_writer_shows_template_and_context(doctor) -> None:
    folder = str(embedded_folder() / "writer")
    with WriterServer(folder) as server:
        code, found = doctor("--writer", f"vllm:{folder}", "--writer-url", server.url)
    assert code == 0
    assert found["writer, context"] == "ok 2048 tokens"
    assert found["writer, answer"].startswith("ok “")
    code, found = doctor("--writer", f"vllm:{folder}", "--writer-url", server.url, "--writer-timeout", "1")
    assert code == 1
    assert found["writer, answer"].startswith("FAIL")


def test_list_of_models_tells_service_and_context(doctor) -> None:
    with Endpoint(answers, models=["m"]) as endpoint:
        _, found = doctor("--blackbox", "openai:other", "--base-url", endpoint.base_url)
        assert found["black box, list of models"] == "note other is not in it, but is answered"
        _, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.base_url)
        assert "black box, list of models" not in found


def test_findings_are_one_line_each(capfd) -> None:
    assert print_findings([Finding("a", "two\nlines"), Finding("b", "c", State.NOTE)])
    assert not print_findings([Finding("d", "e", State.FAIL)])
    assert capfd.readouterr().out == "ok    a: two lines\nnote  b: c\nFAIL  d: e\n"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Authorization: Bearer env:MY_KEY", "sent in your header Authorization, from MY_KEY"),
        ("X-API-Key: env:MY_KEY", "OPENAI_API_KEY is set, and sent in the header Authorization"),
    ],
)
def test_key_in_a_header_of_the_user_is_named(doctor, monkeypatch, header: str, said: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    monkeypatch.setenv("MY_KEY", KEY)
    with Endpoint(answers) as endpoint:
        code, found = doctor("--blackbox", "openai:m", "--base-url", endpoint.base_url, "--header", header)
    assert code == 0
    assert found["black box, key"] == f"ok {said}"


def test_impossible_address_in_the_environment_is_a_finding(doctor, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:99999/v1")
    code, found = doctor("--blackbox", "openai:m")
    assert code == 1
    assert "FAIL expected an address such as" in found["black box, model"]


def test_quick_answers_at_once_tell_nothing_against_parallelism() -> None:
    assert parallelism_in_words([0.01, 0.02, 0.03, 0.04]).endswith("parallel")


@pytest.mark.parametrize(
    ("role", "fix"),
    [
        ("black box", "use --blackbox-template completion"),
        ("judge", "choose another judge"),
        ("writer", "use --writer-template completion"),
    ],
)
def test_fix_of_a_missing_chat_template_is_one_of_the_role(doctor, role: str, fix: str) -> None:
    flags = {"black box": ("--blackbox", "--base-url"), "judge": ("--judge", "--judge-url")}
    model, address = flags.get(role, ("--writer", "--writer-url"))
    with Endpoint(lambda prompt: Reply.refusal("the tokenizer has no chat template", status=400)) as endpoint:
        _, found = doctor(model, "openai:m", address, endpoint.base_url)
    assert fix in found[f"{role}, fix"]


def test_line_of_a_finding_is_no_longer_than_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_findings([Finding("black box", "\x01" * 400 + "x" * 400)])
    assert len(capsys.readouterr().out.rstrip("\n")) == LONGEST_MESSAGE
