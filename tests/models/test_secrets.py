"""Secrets that a service sends back are masked where they enter the program, in whatever form."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import instructzero
from instructzero.errors import ModelError, TransientError
from instructzero.models.batches.wire import name_in
from instructzero.models.headers import Headers
from instructzero.models.secrets import SECRETS, Secrets, encoded_forms, is_distinct
from instructzero.models.service import Complaint, Reply, Service, check_address
from instructzero.testing import Endpoint

KEY = "sk-proj-T3st+Key/77&x"
SERVICE = Service("https://host/v1", "m", "MY_KEY", KEY)

FORMS = {
    "plain": lambda key: key,
    "capital": str.upper,
    "percent": lambda key: quote(key, safe=""),
    "small percent": lambda key: quote(key, safe="").lower(),
    "twice percent": lambda key: quote(quote(key, safe=""), safe=""),
    "html": html.escape,
    "hex": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "basic": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "basic of two": lambda key: base64.b64encode(f"me:{key}:x".encode()).decode(),
    "base64 of addresses": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "base64 in percent": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
    "json": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json escapes": lambda key: "".join(f"\\u{ord(one):04X}" for one in key),
}
PARTS = ("T3st", "t3st", "T3ST", "Key/77", "UM3N0K", "VQzc3Qr", "VDNzdC", "543373742b", "\\u0054")


def shows(text: str) -> list[str]:
    return [part for part in PARTS if part in text]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_key_is_in_a_message_or_a_body(form: str) -> None:
    echoed = FORMS[form](KEY)
    assert shows(echoed)
    assert not shows(str(SERVICE.failure(400, {}, Complaint(f"no good: {echoed}; stop"))))
    assert not shows(str(SERVICE.unreadable({"content-type": echoed})))
    body = Reply(200, {}, f'{{"text": "before {echoed} after"}}'.encode()).masked().body.decode()
    assert not shows(body)
    assert json.loads(body)["text"].startswith("before ")
    assert json.loads(body)["text"].endswith(" after")


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=40), st.binary(max_size=5))
def test_every_form_of_any_key_is_masked(key: str, before: bytes) -> None:
    if not is_distinct(key):
        return
    secrets = Secrets()
    secrets.keep(key)
    for form in encoded_forms(key):
        assert len(form) < 4 or form not in secrets.masked_answer(f"{before!r} {form} x")
    whole = base64.b64encode(before + key.encode() + before).decode()
    assert len(secrets.masked_answer(whole)) <= len(whole) - len(key) + 3


@pytest.mark.parametrize(
    "key", ["a", "EMPTY", "none", "anything", "lm-studio", "not-needed", "12345678", "20261231123456789"]
)
def test_key_that_is_an_ordinary_word_leaves_answers_as_they_are(key: str) -> None:
    secrets = Secrets()
    secrets.keep(key)
    answer = f"{key} is a word, and {key.upper()} too"
    assert secrets.masked_answer(answer) == answer


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_text_without_a_secret_stays(text: str) -> None:
    assert SECRETS.masked_answer(text) == text


def test_password_of_address_and_proxy_and_basic_header_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://gate-user:pr0xyw0rd@gate:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("PAIR", base64.b64encode(b"joe:h3aderw0rd").decode())
    check_address("https://me:s3cr%40tword@host/v1?token=qu3ryword&api-version=2024-10-21#fr4gment77")
    Headers.of(["Authorization: Basic env:PAIR"])
    own = Service("https://host/v1", "m", "K", "", secrets=Headers.of(["Authorization: Basic env:PAIR"]).secrets)
    words = ("pr0xyw0rd", "h3aderw0rd", "s3cr@tword", "s3cr%40tword", "qu3ryword", "fr4gment77")
    pairs = [base64.b64encode(f"{user}:{word}".encode()).decode() for user, word in zip("abc", words, strict=False)]
    said = str(own.failure(400, {}, Complaint(" ".join([*words, *pairs, "2024-10-21"]))))
    assert not [word for word in words if word in said]
    assert not [pair for pair in pairs if pair[6:-4] in said]
    assert "2024-10-21" in said


@pytest.mark.parametrize(
    "url",
    [
        "me:hunter2@host:8000/v1",
        "http:me:hunter2@host",
        "http://me:hun/ter2@host/v1",
        "http://me:hun#ter2@host/v1",
        "http://me:hun?ter2@host/v1",
        "https//me:hunter2@host",
        "sk-hunter2hunter2hunter2",
        "http://host:hunter2/v1",
        "host:8000?api_key=hunter2",
        "ftp://me:hunter2@host/#token=hunter2",
    ],
)
def test_address_in_the_environment_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ModelError, match="expected an address such as") as failure:
        check_address(url)
    assert "hun" not in str(failure.value)
    assert "ter2" not in str(failure.value)


def test_name_of_a_batch_that_repeats_the_key_is_not_stored() -> None:
    with pytest.raises(TransientError) as failure:
        name_in({"id": f"batch-{KEY}"}, SERVICE)
    assert not shows(str(failure.value))


def test_keys_repeated_in_answers_are_nowhere_and_journals_are_equal_with_any_key(
    tmp_path: Path, task_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The black box and the writer repeat their key in every answer, in four forms."""

    def script(prompt: str) -> str:
        forms = [FORMS[form](os.environ["OPENAI_API_KEY"]) for form in ("plain", "basic", "percent", "hex")]
        return f"Reverse {' '.join(forms)} {prompt[-5:]}"

    journals = []
    with Endpoint(script) as endpoint:
        for key in ("sk-F1rst/key&One", "sk-TheS3cond/key/which&is&longer"):
            monkeypatch.setenv("OPENAI_API_KEY", key)
            folder = tmp_path / f"run{len(journals)}"
            result = instructzero.optimize(
                task_file,
                method="ape",
                writer="openai:w",
                writer_url=endpoint.base_url,
                blackbox="openai:m",
                base_url=endpoint.base_url,
                evaluations=2,
                initial=2,
                batch=2,
                validation=4,
                confirmation=2,
                test=2,
                directory=folder,
            )
            files = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
            everything = f"{result!r} {result._repr_html_()}".encode() + files
            assert b"***" in everything
            echoed = script("").split()[1:-1]
            assert not [form for form in echoed if form.strip("=").encode()[8:-4] in everything]
            journals.append((folder / "journal.jsonl").read_bytes())
    assert journals[0] == journals[1]


@pytest.mark.parametrize("user", ["", "a", "me", "you", "team"])
def test_short_key_is_in_no_message_as_user_and_password_in_base64(user: str) -> None:
    secrets = Secrets()
    secrets.keep("hunter2")
    pair = base64.b64encode(f"{user}:hunter2".encode()).decode()
    assert "***" in secrets.masked(f"got Basic {pair}!")
    assert secrets.masked_answer(f"got {pair}") == f"got {pair}"


def test_beginning_of_a_long_key_is_in_no_message_and_stays_in_answers() -> None:
    secrets = Secrets()
    secrets.keep("sk-Zq7+xY/9tRw-LmN4pK8sV2bD")
    assert secrets.masked("Incorrect key sk-Zq7+xY/9tRw-LmN4p, try again") == "Incorrect key ***, try again"
    assert secrets.masked_answer("sk-Zq7+xY") == "sk-Zq7+xY"
