from __future__ import annotations

import json
from dataclasses import replace

import pytest

from instructzero.errors import EndpointError, ModelError, TransientError
from instructzero.models.complaint import Complaint
from instructzero.models.service import Service, checked_url, public_url

SERVICE = Service("https://host/v1", "the-model", "MY_KEY", "gsk_1234567890")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"error": {"message": "no", "code": "c", "param": "p"}}, Complaint("no", "c", "p")),
        ({"error": {"message": "no", "type": "t", "param": None, "code": None}}, Complaint("no", "t")),
        ({"error": {"message": "no", "code": 503}}, Complaint("no", "503")),
        ({"error": "no"}, Complaint("no")),
        ({"object": "error", "message": "no", "type": "t", "code": 400}, Complaint("no", "400")),
        ({"detail": "no"}, Complaint("no")),
        (["no"], Complaint('["no"]')),
        ([{"error": {"message": "no", "code": 429}}], Complaint("no", "429")),
    ],
)
def test_complaint_is_read_from_every_shape(body: object, complaint: Complaint) -> None:
    assert Complaint.read(json.dumps(body).encode()) == complaint


def test_complaint_in_html_becomes_plain_text() -> None:
    page = b"<html><style>p {}</style><p>Bad\n<b>gateway</b></p>\xff</html>"
    assert SERVICE.scrub(Complaint.read(page).message) == "Bad gateway \N{REPLACEMENT CHARACTER}"


def test_scrub_removes_the_key() -> None:
    assert SERVICE.key not in repr(SERVICE)
    said = SERVICE.scrub(f"key {SERVICE.key}, or {SERVICE.key[:7]}..., or sk-abcd1234, or Bearer abcdefg")
    assert "gsk_" not in said
    assert "sk-" not in said
    assert "abcdefg" not in said


@pytest.mark.parametrize(
    ("error", "kind", "throttled"),
    [
        ({"code": 429, "message": "m"}, TransientError, True),
        ({"code": 502, "message": "m"}, TransientError, False),
        ({"code": "503", "message": "m"}, TransientError, False),
        ({"code": 401, "message": "m"}, ModelError, False),
        ({"code": 402, "message": "m"}, EndpointError, False),
        ({"code": "odd", "message": "m"}, TransientError, False),
        ("m", TransientError, False),
        ("Unexpected endpoint or method", ModelError, False),
    ],
)
def test_embedded_failure_returns_the_error_of_its_code(error: object, kind: type[Exception], throttled: bool) -> None:
    failure = SERVICE.embedded_failure(error)
    assert type(failure) is kind
    assert getattr(failure, "throttled", False) == throttled


def test_public_url_drops_user_password_and_query() -> None:
    assert public_url("https://me:secret@host:8000/v1/?token=abc#x") == "https://host:8000/v1"
    assert checked_url("http://host/v1/") == "http://host/v1"


@pytest.mark.parametrize(
    "url", ["http://h\u00f6st/v1", "http://host/\u00e9/v1", "http://host/v1 x", "http://host:99999/v1"]
)
def test_address_that_no_request_can_have_raises_model_error(url: str) -> None:
    with pytest.raises(ModelError, match=r"expected an address .* fix judge_url"):
        checked_url(url, setting="judge_url")


def test_control_characters_of_a_service_are_in_no_message() -> None:
    said = str(SERVICE.failure(400, {}, Complaint("\x1b[2J\x1b]0;title\x07 moc\u202e")))
    assert said.isprintable()
    assert "title" in said


def test_short_key_in_base64_is_in_no_message() -> None:
    own = replace(SERVICE, key="hunter2")
    assert "aHVudGVy" not in own.scrub("no user aHVudGVyMg== here")
