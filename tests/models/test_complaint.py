import json
import time

import pytest

from instructzero.models.complaint import Complaint, without_tags
from instructzero.models.dialects import refused_field
from instructzero.models.refusals import is_about_content
from instructzero.models.service import Service
from instructzero.models.waits import seconds_asked

SIZE = 240_000
PIECES = ("<style", "<", "<a", "</style", "context length is 1", "1", "try again in 1.5 h and ", "9h", "violat a ",
          "temperature must be between 1 and ", "sk-", "\n", "too large: 1 context length is ", "model ")  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("as_json", [False, True])
def test_error_page_of_a_quarter_of_a_megabyte_is_read_in_seconds(piece, as_json):
    page = (piece * SIZE)[:SIZE]
    body = json.dumps({"error": {"message": page}}).encode() if as_json else page.encode()
    service = Service("http://127.0.0.1:9/v1", "m", "KEY", "secret")
    began = time.monotonic()
    complaint = Complaint.read(body)
    for status in (400, 429, 503):
        assert len(str(service.failure(status, {}, complaint))) < 500
    refused_field(400, complaint, {"temperature": 0.0, "max_tokens": 5}, {}, untried=True)
    seconds_asked({}, complaint.message, complaint.details)
    assert time.monotonic() - began < 10


def test_long_message_keeps_its_beginning_and_its_end():
    message = Complaint("too long: " + "x" * SIZE + " Reduce the length.").message
    assert message.startswith("too long: xxx")
    assert message.endswith("xxx Reduce the length.")
    assert len(message) < 10_000


@pytest.mark.parametrize("code", ["9" * 5000, "٣" * 5000, 10**400])
def test_error_code_of_thousands_of_digits_is_a_refusal_like_any_other(code):
    complaint = Complaint.read(json.dumps({"error": {"message": "no", "code": code}}).encode())
    assert complaint.status is None or complaint.status > 600
    error = Service("http://127.0.0.1:9/v1", "m", "KEY", "").embedded_failure(
        {"message": "no", "code": str(code)[:5000]}
    )
    assert "answers with an error (no)" in str(error)


def test_lists_in_one_another_are_no_message():
    nested = json.loads("[" * 900 + "]" * 900)
    assert Complaint.of({"message": nested, "code": nested}).message is not None


def test_sizes_of_thousands_of_digits_are_no_sizes_but_the_words_count():
    assert is_about_content(400, "", f"context length is {'1' * 5000} and {'2' * 5000} in the completion")


def test_page_is_read_without_tags_and_styles():
    page = "<html><style>p { x: 1 }</style><p>Bad <b>gateway</b></p><style>x < rest"
    assert without_tags(page).split() == ["Bad", "gateway", "x", "<", "rest"]
