"""Replies as services send them: what the answer is, how it ended, and whether a refusal concerns one question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from instructzero.errors import EndpointError, InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models.anthropic import AnthropicBlackBox
from instructzero.models.openai import OpenAIBlackBox
from instructzero.models.refusals import is_about_content
from instructzero.protocols import BlackBox
from instructzero.testing import Endpoint, Reply
from instructzero.types import Completion, Finish, Message, Request

QUESTION = Request((Message("user", "Which river flows through Prague?"),), max_tokens=32)


def ask(reply: Reply, *, anthropic: bool = False) -> Completion:
    async def run(endpoint: Endpoint) -> Completion:
        box: BlackBox
        if anthropic:
            box = AnthropicBlackBox("m", base_url=endpoint.root)
        else:
            box = OpenAIBlackBox("m", base_url=endpoint.base_url)
        try:
            return await box.complete(QUESTION)
        finally:
            await box.close()

    with Endpoint(lambda prompt: reply) as endpoint:
        return asyncio.run(run(endpoint))


def failure(reply: Reply) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        ask(reply)
    assert "\n" not in str(caught.value)
    return caught.value


def text(said: str, kind: str = "text") -> dict[str, str]:
    return {"type": kind, "text": said}


THOUGHTS = {"type": "thinking", "thinking": [text("Prague is in Bohemia.")]}


@pytest.mark.parametrize(
    ("reply", "said", "finish"),
    [
        (Reply.chat("Vltava"), "Vltava", Finish.COMPLETE),
        (Reply.chat("Vltava", None), "Vltava", Finish.COMPLETE),
        (Reply.chat("Vltava", "eos"), "Vltava", Finish.COMPLETE),
        (Reply.chat("The river that flows", "length"), "The river that flows", Finish.CUT),
        (Reply.chat("The river that flows", "MAX_TOKENS"), "The river that flows", Finish.CUT),
        (Reply.chat("", "length", tokens=32), "", Finish.EMPTY_AT_LIMIT),
        (Reply.chat(None, "length", tokens=32), "", Finish.EMPTY_AT_LIMIT),
        (Reply.chat(None, "length", reasoning_content="It is the Vltava."), "", Finish.EMPTY_AT_LIMIT),
        (Reply.chat(None, reasoning_content="It is the Vltava."), "", Finish.EMPTY),
        (Reply.chat("", reasoning="It is the Vltava."), "", Finish.EMPTY),
        (Reply.chat("Vltava", reasoning_content="Or the Elbe?"), "Vltava", Finish.COMPLETE),
        (Reply.chat("\n \n"), "\n \n", Finish.EMPTY),
        (Reply.chat(None, refusal="I can't help with that."), "", Finish.REFUSED),
        (Reply.chat([{"type": "refusal", "refusal": "No."}]), "", Finish.REFUSED),
        (Reply.chat("", "content_filter"), "", Finish.FILTERED),
        (Reply.chat("The ri", "content_filter"), "The ri", Finish.FILTERED),
        (Reply.chat(None, "SAFETY"), "", Finish.FILTERED),
        (Reply.chat(None, "tool_calls", tool_calls=[{"id": "1"}]), "", Finish.EMPTY),
        (Reply.chat([THOUGHTS, text("Vlt"), text("ava", "output_text")]), "Vltava", Finish.COMPLETE),
        (Reply.chat([THOUGHTS], "length"), "", Finish.EMPTY_AT_LIMIT),
        (Reply.chat(["Vlt", "ava"]), "Vltava", Finish.COMPLETE),
    ],
)
def test_openai_reply_gives_answer_and_its_ending(reply: Reply, said: str, finish: Finish) -> None:
    found = ask(reply)
    assert (found.text, found.finish) == (said, finish)


@pytest.mark.parametrize(
    ("blocks", "stop_reason", "said", "finish"),
    [
        ([text("Vltava")], "end_turn", "Vltava", Finish.COMPLETE),
        ([text("Vltava")], "stop_sequence", "Vltava", Finish.COMPLETE),
        ([{"type": "thinking", "thinking": "Elbe?"}, text("Vltava")], "end_turn", "Vltava", Finish.COMPLETE),
        ([text("The river that")], "max_tokens", "The river that", Finish.CUT),
        ([{"type": "thinking", "thinking": "Elbe?"}], "max_tokens", "", Finish.EMPTY_AT_LIMIT),
        ([{"type": "redacted_thinking", "data": "x"}], "end_turn", "", Finish.EMPTY),
        ([text("The river")], "model_context_window_exceeded", "The river", Finish.CUT),
        ([], "refusal", "", Finish.REFUSED),
        ([], "end_turn", "", Finish.EMPTY),
    ],
)
def test_anthropic_reply_gives_answer_and_its_ending(
    blocks: list[Any], stop_reason: str, said: str, finish: Finish
) -> None:
    pytest.importorskip("anthropic")
    found = ask(Reply.anthropic(blocks, stop_reason), anthropic=True)
    assert (found.text, found.finish) == (said, finish)


ABOUT_CONTENT = [
    (400, "content_filter", "The prompt triggers the content management policy. Please modify it and retry."),
    (400, "", "Output blocked by content filtering policy"),
    (400, "1301", "System detected potentially unsafe or sensitive content in input or generation"),
    (400, "data_inspection_failed", "Input data may contain inappropriate content."),
    (400, "invalid_prompt", "Invalid prompt: it was flagged as potentially violating our usage policy."),
    (400, "invalid_request_error", "Content Exists Risk"),
    (403, "403", "The chosen model requires moderation, and the input was flagged for \"violence\"."),
    (400, "context_length_exceeded", "This model's maximum context length is 1024 tokens. Reduce the messages."),
    (400, "400", "This model's maximum context length is 512 tokens. However, you requested 700 tokens "
     "(668 in the messages, 32 in the completion). Please reduce the length of the messages."),
    (400, "400", "'max_tokens' or 'max_completion_tokens' is too large: 32. This model's maximum context length is 512 "
     "tokens and your request has 500 input tokens"),
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    (400, "", "input length and `max_tokens` exceed context limit: 199990 + 32 > 200000"),
    (400, "exceed_context_size_error", "the request exceeds the available context size, try increasing it"),
    (400, "", "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
    (400, "400", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    (422, "validation", "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
    (413, "", "Request Entity Too Large"),
]  # fmt: skip
ABOUT_ALL = [
    (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    (400, "", "The model `m-9` does not exist"),
    (400, "", "This organization has been disabled."),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    (400, "unsupported_parameter", "Unsupported parameter: 'top_k' is not supported with this model."),
    (400, "", "temperature must be between 0 and 1"),
    (400, "", "max_tokens is too large: this model supports at most 4"),
    (400, "invalid_request_error", "max_tokens: 100000 > 8192, which is the maximum number of output tokens"),
    (400, "", "This model's maximum context length is 512 tokens. However, you requested 1020 tokens "
     "(20 in the messages, 1000 in the completion)."),
    (403, "", "You may not use this model"),
]  # fmt: skip
UNCLEAR = [(400, "", "could not parse the JSON body"), (422, "", "Unprocessable Entity")]


@pytest.mark.parametrize(("status", "code", "message"), ABOUT_CONTENT)
def test_refusal_for_content_or_length_concerns_one_question(status: int, code: str, message: str) -> None:
    error = failure(Reply.refusal(message, status=status, code=code or None))
    assert isinstance(error, RefusedQuestion)
    assert error.about_content
    assert error.reason.startswith(f"status {status}: {message[:20]}")


@pytest.mark.parametrize(("status", "code", "message"), ABOUT_ALL)
def test_refusal_of_key_model_or_parameter_concerns_all_questions(status: int, code: str, message: str) -> None:
    assert not is_about_content(status, code, message)
    error = failure(Reply.refusal(message, status=status, code=code or None))
    assert isinstance(error, ModelError)
    assert not isinstance(error, RefusedQuestion) or not error.about_content


@pytest.mark.parametrize(("status", "code", "message"), UNCLEAR)
def test_other_refusal_may_concern_one_question(status: int, code: str, message: str) -> None:
    error = failure(Reply.refusal(message, status=status, code=code or None))
    assert isinstance(error, RefusedQuestion)
    assert not error.about_content


def test_refusal_because_all_tokens_were_used_is_an_empty_answer() -> None:
    error = failure(Reply.refusal("Could not finish the message because max_tokens or model output limit was reached."))
    assert isinstance(error, RefusedQuestion)
    assert error.about_content
    assert Completion.failed(error.reason, at_limit=error.at_limit).finish is Finish.EMPTY_AT_LIMIT


def test_error_with_status_200_that_names_the_content_concerns_one_question() -> None:
    error = failure(Reply({"error": {"code": "content_filter", "message": "The content was blocked"}}))
    assert isinstance(error, RefusedQuestion)
    assert error.about_content


@pytest.mark.parametrize(
    ("status", "kind"), [(401, ModelError), (402, EndpointError), (404, ModelError), (429, TransientError)]
)
def test_other_statuses_never_concern_one_question(status: int, kind: type[Exception]) -> None:
    error = failure(Reply.refusal("The prompt is too long for the content filter", status=status))
    assert type(error) is kind
