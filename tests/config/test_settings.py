"""The settings: validation, sentences of errors, and YAML."""

import os
from datetime import date
from pathlib import Path

import pytest

from instructzero.config import Settings, differences, dump_yaml, make_settings, panel_of
from instructzero.config.yaml_file import load_yaml
from instructzero.errors import ConfigurationError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "a", "sedd": 1}, "unknown setting 'sedd'; did you mean 'seed'"),
        ({"task": "a", "zzzzzz": 1}, "unknown setting 'zzzzzz'; run 'instructzero run --help'"),
        ({}, "no task is set; name it with --task"),
        ({"task": "a", "evaluations": 0}, "greater than 0, got 0; change --evaluations"),
        ({"task": "a", "method": "magic"}, "unknown method 'magic'; expected one of ape, capo, dro, evoprompt-de"),
        ({"task": "a", "method": "instinkt"}, "unknown method 'instinkt'; did you mean 'instinct'?"),
        ({"task": "a", "temperature": "hot"}, "got 'hot'; change --temperature"),
        ({"task": "a", "confirmation": -1}, "greater than or equal to 0, got -1; change --confirmation"),
        ({"task": "a", "finalists": 0}, "greater than 0, got 0; change --finalists"),
        ({"task": "a", "max_calls": 0}, "greater than 0, got 0; change --max-calls"),
        ({"task": "a", "max_time": "0m"}, "greater than 0, got "),
        ({"task": "a", "max_time": "soon"}, "got 'soon'; change --max-time"),
        ({"task": "a", "max_time": "m"}, "got 'm'; change --max-time"),
        ({"task": "a", "max_time": "1h30m"}, "got '1h30m'; change --max-time"),
        ({"task": "a", "length_penalty": 2}, "less than or equal to 1, got 2; change --length-penalty"),
        ({"task": "a", "rewriter": "me"}, "'writer' or 'blackbox', got 'me'; change --rewriter"),
        ({"task": "a", "search_calls": 0}, "greater than 0, got 0; change --search-calls"),
        ({"task": "a", "scoring": "magic"}, "'generate' or 'loglikelihood', got 'magic'; change --scoring"),
    ],
)
def test_invalid_settings_give_one_sentence_with_fix(values, message):
    with pytest.raises(ConfigurationError) as caught:
        make_settings(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@host/v1",
        "http://hunter2@host/v1",
        "https://host/v1?key=hunter2",
        "me:hunter2@host:8000/v1",
        "//me:hunter2@host/v1",
        "http:me:hunter2@host/v1",
        "http://me:hunter2/x@host/v1",
        "http://me:hunter2#x@host/v1",
        "http://host:hunter2/v1",
        "https://host/v1#token=hunter2",
        "https://host/v1?accesskey=hunter2",
        "https://host/v1?pass=hunter2",
        "https://host/v1?v=1&session=hunter2",
        "https://host/v1?v=sk-proj-hunter2hunter2",
        "https://host/sk-proj-hunter2hunter2/v1",
        "sk-proj-hunter2hunter2",
    ],
)
def test_address_with_secret_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigurationError, match="without user, password or a key in its query") as caught:
        make_settings({"task": "a", "base_url": url})
    assert "hunter2" not in str(caught.value)


def test_yaml_round_trip_restores_settings(tmp_path):
    settings = make_settings({"task": "wörter: #1", "data_dir": "x/y", "temperature": 0.5, "metric": "regex:\\d+"})
    path = tmp_path / "settings.yaml"
    path.write_text(dump_yaml(settings), encoding="utf-8")
    assert make_settings(load_yaml(path)) == settings
    assert settings.data_dir == Path("x/y")


@pytest.mark.parametrize(
    ("content", "message"),
    [("- a\n- b\n", "keys and values"), ("task: [", "not valid YAML at line"), ("", "keys and values")],
)
def test_malformed_yaml_gives_one_sentence(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_yaml(path)


def test_missing_yaml_gives_one_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="no configuration file"):
        load_yaml(tmp_path / "none.yaml")


def test_differences_name_only_settings_that_change_result():
    old = Settings(task="a", evaluations=10, concurrency=4)
    new = Settings(task="a", evaluations=20, concurrency=64)
    assert differences(old, new) == ["evaluations: 10 there, 20 here"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("45", 45), (12, 12), ("0.5s", 0.5), (None, None)]
)
def test_max_time_accepts_units(text, seconds):
    assert make_settings({"task": "a", "max_time": text}).max_time == seconds


def test_differences_ignore_budget_and_prices():
    limits = {"max_calls": 5, "max_usd": 1.0, "max_tokens": 9, "max_time": "2h", "store": "shared.sqlite"}
    prices = {"input_price": 1.0, "output_price": 2.0, "requests_per_minute": 60, "tokens_per_minute": 1000}
    assert differences(Settings(task="a"), make_settings({"task": "a", **limits, **prices})) == []


@pytest.mark.parametrize(
    "change",
    [
        {"confirmation": 3},
        {"racing": False},
        {"baseline": "mine"},
        {"judge": "openai:m"},
        {"length_penalty": 0.1},
        {"shots": 1},
        {"finalists": 2},
        {"scoring": "loglikelihood"},
        {"judge_criteria": "Is it polite?"},
        {"rewriter": "blackbox"},
        {"search_calls": 1000},
    ],
)
def test_differences_report_settings_that_change_result(change):
    assert len(differences(Settings(task="a"), make_settings({"task": "a", **change}))) == 1


def test_all_settings_have_help_text_and_panel():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert panel_of(name)


@pytest.mark.parametrize("value", ["sk-proj-1234", "gsk_abcDEF123", "my key", ""])
def test_key_instead_of_its_variable_is_refused_and_not_repeated(value):
    with pytest.raises(ConfigurationError, match="expected the name of an environment variable") as error:
        make_settings({"task": "a", "writer_key_env": value})
    assert not value or value not in str(error.value)
    assert make_settings({"task": "a", "writer_key_env": "WRITER_KEY_2"}).writer_key_env == "WRITER_KEY_2"


@pytest.mark.parametrize("name", ["base_url", "judge_url", "writer_url"])
def test_address_may_name_version_of_api(name: str) -> None:
    url = "https://x.example/openai/deployments/d?api-version=2024-10-21"
    assert getattr(make_settings({"task": "sum", name: url}), name) == url


@pytest.mark.parametrize(
    "line", ["api-key: hunter2", "X-Auth: hunter2", "X-Trace: sk-hunter2hunter2", "Cookie: hunter2", "hunter2", "A: é"]
)
def test_header_with_secret_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a header") as caught:
        make_settings({"task": "sum", "header": [line]})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", ["X-Team:search", ["X-Team: search"], {"X-Team": "search"}])
def test_headers_may_be_one_several_or_mapping(given: object) -> None:
    assert make_settings({"task": "sum", "header": given}).header == ("X-Team: search",)


def test_secret_header_comes_from_environment() -> None:
    lines = ("api-key: env:AZURE_KEY", "Authorization: Bearer env:TOKEN")
    assert make_settings({"task": "sum", "header": lines}).header == lines


def test_extra_body_is_read_from_json_and_stored(tmp_path: Path) -> None:
    given = make_settings({"task": "sum", "extra_body": '{"reasoning_effort": "low", "top_p": 0.9}'})
    assert given.extra_body == {"reasoning_effort": "low", "top_p": 0.9}
    (tmp_path / "run.yaml").write_text(dump_yaml(given))
    assert make_settings(load_yaml(tmp_path / "run.yaml")) == given


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "expected a JSON object"),
        ("[1]", "dictionary"),
        ('{"max_tokens": 9}', "--answer-tokens"),
        ('{"model": "m"}', "the model's name"),
        ('{"user": "sk-hunter2hunter2"}', "without a secret"),
    ],
)
def test_impossible_extra_body_is_refused(body: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_settings({"task": "sum", "extra_body": body})


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90.0), ("5m", 300.0), ("1h", 3600.0), (12, 12.0)])
def test_longest_wait_has_unit(given: object, seconds: float) -> None:
    assert make_settings({"task": "sum", "max_wait": given}).max_wait == seconds


@pytest.mark.parametrize(
    "body",
    [
        *({"a": [{name: ["hello"]}]} for name in ("password", "passwd", "pw", "pwd", "token", "auth", "secret")),
        '{"auth": {"value": "hello"}}',
        '{"api_key": "hello"}',
        '{"a": [{"auth_token": "hello"}]}',
        '{"top_p": NaN}',
        {"since": date(2024, 1, 1)},
    ],
)
def test_extra_body_with_a_key_or_without_json_values_is_refused(body: object) -> None:
    with pytest.raises(ConfigurationError, match="'extra_body': expected fields") as caught:
        make_settings({"task": "sum", "extra_body": body})
    assert "hello" not in str(caught.value)


def test_extra_body_may_name_tokens_and_keys_that_are_no_secrets() -> None:
    body = {"eos_token": "</s>", "thinking": {"budget_tokens": 512}, "prompt_cache_key": "team"}
    assert make_settings({"task": "sum", "extra_body": body}).extra_body == body


def test_address_with_an_impossible_port_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'judge_url': port out of range"):
        make_settings({"task": "sum", "judge_url": "http://host:99999/v1"})


def test_pipe_as_configuration_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "settings.yaml")  # nobody writes to it
    with pytest.raises(ConfigurationError, match="it is a pipe, where a file is expected"):
        load_yaml(tmp_path / "settings.yaml")


@pytest.mark.parametrize("name", ["timeout", "max_wait"])
def test_time_longer_than_clocks_count_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"setting '{name}'"):
        make_settings({"task": "sum", name: 1e300})
