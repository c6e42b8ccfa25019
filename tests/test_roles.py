"""The endpoint of each role: its own, or that of a black box of the same kind, or the usual one."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.config import make_settings
from instructzero.roles import Named, endpoint_of, writer_in_words

HERE, THERE = "http://here:1/v1", "http://there:2/v1"


@pytest.mark.parametrize(
    ("chosen", "address", "words"),
    [
        ({"writer_url": HERE, "base_url": THERE}, HERE, f"openai:w at {HERE}"),
        ({"base_url": THERE}, THERE, f"openai:w at {THERE}, the address of the black box"),
        ({"base_url": THERE, "blackbox": "python:m:f"}, None, "openai:w"),
        ({"base_url": THERE, "writer": "anthropic:w"}, None, "anthropic:w"),
        ({}, None, "openai:w"),
        ({"writer": "embedded:writer", "base_url": THERE}, None, ""),
    ],
)
def test_writer_address_is_its_own_or_that_of_black_box(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], address: str | None, words: str
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    settings = make_settings({"task": "sum", "writer": "openai:w", "blackbox": "openai:b", **chosen})
    assert (endpoint_of(settings, WRITER).url, writer_in_words(settings)) == (address, words)


def test_usual_address_of_environment_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:secret@proxy:3/v1?token=abc")
    settings = make_settings({"task": "sum", "writer": "openai:w"})
    assert writer_in_words(settings) == "openai:w at http://proxy:3/v1"


def test_judge_is_asked_at_address_of_black_box_with_its_key_and_headers() -> None:
    chosen = {"base_url": HERE, "key_env": "LOCAL_KEY", "header": ["X-Team: search"], "extra_body": '{"top_p": 0.5}'}
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:j", **chosen})
    endpoint = endpoint_of(settings, JUDGE)
    assert (endpoint.url, endpoint.key_env, endpoint.headers) == (HERE, "LOCAL_KEY", ("X-Team: search",))
    assert (endpoint.setting, endpoint.extra_body) == ("base_url", {})


def test_judge_with_address_of_its_own_takes_nothing_from_black_box() -> None:
    chosen = {"base_url": HERE, "key_env": "LOCAL_KEY", "header": ["X-Team: search"], "input_price": 1.0}
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:b", "judge_url": THERE, **chosen})
    endpoint = endpoint_of(settings, JUDGE)
    assert (endpoint.url, endpoint.key_env, endpoint.headers) == (THERE, None, ())
    assert (endpoint.setting, endpoint.input_price) == ("judge_url", None)


def test_judge_of_another_kind_is_asked_at_its_own_service() -> None:
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "anthropic:j", "base_url": HERE})
    assert endpoint_of(settings, JUDGE).url is None


@pytest.mark.parametrize(("own", "seconds"), [({}, 9.0), ({"judge_timeout": 90}, 90.0)])
def test_timeout_of_role_is_its_own_or_that_of_black_box(own: dict[str, int], seconds: float) -> None:
    settings = make_settings({"task": "sum", "blackbox": "openai:b", "judge": "openai:j", "timeout": 9, **own})
    assert endpoint_of(settings, JUDGE).timeout == seconds
    assert endpoint_of(settings, BLACK_BOX).timeout == 9.0


def test_key_of_judge_replaces_that_in_headers_of_black_box() -> None:
    headers = ["api-key: env:BOX_KEY", "X-Team: search"]
    chosen = {"blackbox": "openai:b", "judge": "openai:j", "base_url": HERE, "header": headers}
    assert endpoint_of(make_settings({"task": "sum", **chosen}), JUDGE).headers == tuple(headers)
    own = endpoint_of(make_settings({"task": "sum", "judge_key_env": "JUDGE_KEY", **chosen}), JUDGE)
    assert (own.key_env, own.headers) == ("JUDGE_KEY", ("X-Team: search",))


HUB = "https://huggingface.co"


def named(**chosen: object) -> Named:
    return Named.by(make_settings({"task": "sum", "blackbox": "scripted:obey", **chosen}))


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-0.5B-Instruct", "gpt2", "hf:gpt2"])
def test_model_of_the_hub_names_the_hub(name: str) -> None:
    assert named(writer=name).hosts == (HUB,)
    assert named(writer=name).files == ()


def test_model_in_a_folder_or_file_names_its_place(tmp_path: Path) -> None:
    for name in (str(tmp_path), f"hf:{tmp_path}", "hf:/no/such/folder", "x.gguf", "hf:some/x.gguf"):
        found = named(writer=name)
        assert (found.hosts, found.files) == ((), (name.removeprefix("hf:"),))
    assert named(blackbox=f"hf:{tmp_path}", writer="embedded:writer").files == (str(tmp_path),)


def test_adapter_names_its_base_model(tmp_path: Path) -> None:
    for base, hosts, files in (("gpt2", (HUB,), ()), (str(tmp_path), (), (str(tmp_path),))):
        adapter = tmp_path / "adapter"
        adapter.mkdir(exist_ok=True)
        said = {"peft_type": "LORA", "base_model_name_or_path": base}
        (adapter / "adapter_config.json").write_text(json.dumps(said), encoding="utf-8")
        found = named(writer=f"hf:{adapter}")
        assert (found.hosts, found.files) == (hosts, (str(adapter), *files))


@pytest.mark.parametrize(("kind", "dialect"), [("vllm", "Vllm"), ("sglang", "Sglang")])
def test_served_writer_without_an_address_names_the_usual_one_of_its_server(kind: str, dialect: str) -> None:
    usual = getattr(importlib.import_module(f"instructzero.models.{kind}"), dialect)().default_url
    assert named(writer=f"{kind}:gpt2").hosts == (usual, HUB)
    assert named(writer=f"{kind}:gpt2", writer_url=HERE).hosts == (HERE, HUB)


def test_every_thing_has_a_line_and_long_ones_lose_their_middle_only() -> None:
    host, long_host = f"{'h' * 240}.evil.invalid", f"good.example.{'h' * 300}.evil.invalid"
    code = (f"start{'x' * 400}:end", *(f"mine:f{number}" for number in range(9)), "a\n b")
    hosts = (f"http://{host}:8000/v1", f"http://{long_host}/{'p' * 900}")
    *lines, whole, cut = Named(code, hosts, (), ()).lines()
    assert whole == f"send data to http://{host}:8000/v1"
    assert cut.startswith("send data to http://good.example.h")
    assert ".evil.invalid/ppp" in cut
    assert len(cut) < 600
    assert lines[0].startswith("run the code startx")
    assert lines[0].endswith("x:end")
    assert lines[1:] == [*(f"run the code mine:f{number}" for number in range(9)), "run the code a b"]
