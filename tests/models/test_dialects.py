"""Responses of servers with variants of OpenAI's API, recorded by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from instructzero.errors import EndpointError, InstructZeroError, ModelError, TransientError
from instructzero.models.complaint import Complaint
from instructzero.models.openai import read_answer
from instructzero.models.service import Reply, Service
from instructzero.types import Completion, Finish

SERVICE = Service("http://host/v1", "m", "OPENAI_API_KEY", "")


def read(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Completion:
    """Read a response as the black box does."""
    body = body.replace("\n    ", " ")  # line breaks are for the reader only
    reply = Reply(status, headers or {"content-type": "application/json"}, body.encode())
    if status == 200:
        return read_answer(reply, SERVICE)
    raise SERVICE.failure(status, reply.headers, Complaint.read(reply.body))


def failure(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        read(body, status, headers)
    return caught.value


def test_ollama_answer_is_read() -> None:
    body = """{"id":"chatcmpl-361","object":"chat.completion","created":1751000000,"model":"llama3.2:1b",
    "system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"pong"},
    "finish_reason":"stop"}],"usage":{"prompt_tokens":26,"completion_tokens":3,"total_tokens":29}}"""
    assert read(body) == Completion("pong", 26, 3)


def test_ollama_reasoning_is_not_part_of_the_answer() -> None:
    body = """{"object":"chat.completion","model":"qwen3:4b","choices":[{"index":0,"message":{"role":"assistant",
    "content":"pong","reasoning":"The user says ping."},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":11,"completion_tokens":90,"total_tokens":101}}"""
    assert read(body) == Completion("pong", 11, 90)


def test_ollama_missing_model_raises_model_error() -> None:
    body = """{"error":{"message":"model \\"m\\" not found, try pulling it first","type":"api_error","param":null,
    "code":null}}"""
    error = failure(body, 404)
    assert isinstance(error, ModelError)
    assert "try pulling it first" in str(error)


def test_vllm_answer_without_content_is_empty() -> None:
    body = """{"id":"chatcmpl-9f","object":"chat.completion","model":"Qwen/Qwen3-8B","choices":[{"index":0,"message":
    {"role":"assistant","content":null,"refusal":null,"annotations":null,"audio":null,"function_call":null,
    "tool_calls":[],"reasoning_content":"Okay, the user"},"logprobs":null,"finish_reason":"length","stop_reason":null}],
    "service_tier":null,"usage":{"prompt_tokens":14,"total_tokens":30,"completion_tokens":16,
    "prompt_tokens_details":null},"prompt_logprobs":null,"kv_transfer_params":null}"""
    assert read(body) == Completion("", 14, 16, Finish.EMPTY_AT_LIMIT)


def test_vllm_error_without_envelope_raises_model_error() -> None:
    body = """{"object":"error","message":"This model's maximum context length is 2048 tokens.",
    "type":"BadRequestError","param":null,"code":400}"""
    error = failure(body, 400)
    assert isinstance(error, ModelError)
    assert "maximum context length is 2048 tokens" in str(error)


def test_llama_cpp_answer_with_timings_is_read() -> None:
    body = """{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","reasoning_content":"hm",
    "content":"pong"}}],"created":1751000000,"model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc",
    "object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":12,"total_tokens":14},
    "id":"chatcmpl-x","timings":{"prompt_n":12,"prompt_ms":51.2,"predicted_n":2,"predicted_ms":20.1}}"""
    assert read(body) == Completion("pong", 12, 2)


def test_llama_cpp_loading_its_model_raises_transient_error() -> None:
    error = failure('{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', 503)
    assert isinstance(error, TransientError)
    assert not error.maybe_paid
    assert "Loading model" in str(error)


def test_together_answer_with_prompt_and_seed_is_read() -> None:
    body = """{"id":"oAbC","object":"chat.completion","created":1751000000,"model":"meta-llama/Llama-3-8b-chat-hf",
    "prompt":[],"choices":[{"finish_reason":"eos","seed":10445689732479100000,"logprobs":null,"index":0,
    "message":{"role":"assistant","content":"pong","tool_calls":[]}}],
    "usage":{"prompt_tokens":18,"completion_tokens":3,"total_tokens":21,"cached_tokens":0}}"""
    assert read(body) == Completion("pong", 18, 3)


def test_together_answer_without_usage_counts_no_tokens() -> None:
    assert read('{"choices":[{"message":{"role":"assistant","content":"pong"}}],"usage":null}') == Completion("pong")


def test_groq_usage_with_times_counts_only_tokens() -> None:
    body = """{"id":"chatcmpl-1","object":"chat.completion","model":"llama-3.1-8b-instant","choices":[{"index":0,
    "message":{"role":"assistant","content":"pong"},"logprobs":null,"finish_reason":"stop"}],"usage":{
    "queue_time":0.018,"prompt_tokens":38,"prompt_time":0.0024,"completion_tokens":3,"completion_time":0.004,
    "total_tokens":41,"total_time":0.0064},"usage_breakdown":null,"system_fingerprint":"fp_1","x_groq":{"id":"req_1"}}"""
    assert read(body) == Completion("pong", 38, 3)


def test_groq_rate_limit_gives_the_time_to_wait() -> None:
    body = """{"error":{"message":"Rate limit reached for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit
    6000, Used 5900, Requested 300. Please try again in 2s.","type":"tokens","code":"rate_limit_exceeded"}}"""
    error = failure(body, 429, {"retry-after": "2", "x-ratelimit-remaining-tokens": "100"})
    assert isinstance(error, TransientError)
    assert error.throttled
    assert error.retry_after == 2.0


def test_lm_studio_answer_with_statistics_is_read() -> None:
    body = """{"id":"chatcmpl-b","object":"chat.completion","created":1751000000,"model":"qwen2.5-7b-instruct",
    "choices":[{"index":0,"logprobs":null,"finish_reason":"stop","message":{"role":"assistant","content":"pong"}}],
    "usage":{"prompt_tokens":24,"completion_tokens":2,"total_tokens":26},"stats":{},"system_fingerprint":"qwen"}"""
    assert read(body) == Completion("pong", 24, 2)


def test_lm_studio_wrong_path_with_status_200_raises_model_error() -> None:
    error = failure('{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}')
    assert isinstance(error, ModelError)
    assert "often it ends in /v1" in str(error)


def test_mistral_content_in_parts_gives_the_text_parts() -> None:
    body = """{"id":"c","object":"chat.completion","model":"magistral-medium-latest","choices":[{"index":0,"message":{
    "role":"assistant","tool_calls":null,"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},
    {"type":"text","text":"po"},{"type":"text","text":"ng"}]},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":9,"total_tokens":60,"completion_tokens":51}}"""
    assert read(body) == Completion("pong", 9, 51)


def test_mistral_validation_error_raises_model_error() -> None:
    body = """{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","top_k"],"msg":"Extra
    inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}"""
    error = failure(body, 422)
    assert isinstance(error, ModelError)
    assert "top_k" in str(error)


def test_openrouter_upstream_failure_with_status_200_raises_transient_error() -> None:
    body = '{"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"X"}},"user_id":"u"}'
    error = failure(body)
    assert isinstance(error, TransientError)
    assert "Provider returned error" in str(error)


def test_openrouter_rate_limit_with_status_200_is_throttled() -> None:
    error = failure('{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min"}}')
    assert isinstance(error, TransientError)
    assert error.throttled


def test_openrouter_error_inside_a_choice_raises_transient_error() -> None:
    body = """{"id":"gen-1","choices":[{"index":0,"finish_reason":"error","native_finish_reason":null,
    "message":{"role":"assistant","content":"po"},"error":{"code":503,"message":"Upstream overloaded"}}]}"""
    assert isinstance(failure(body), TransientError)


def test_openrouter_without_credits_raises_endpoint_error() -> None:
    error = failure('{"error":{"code":402,"message":"Insufficient credits. Add more."}}', 402)
    assert isinstance(error, EndpointError)
    assert not isinstance(error, TransientError)


def test_openrouter_refused_key_with_status_200_raises_model_error() -> None:
    assert isinstance(failure('{"error":{"code":401,"message":"No auth credentials found"}}'), ModelError)


def test_error_that_is_null_is_ignored() -> None:
    assert read('{"error":null,"choices":[{"message":{"content":"pong"},"error":null}]}') == Completion("pong")


def test_deepseek_blank_lines_before_the_answer_are_ignored() -> None:
    body = """{"choices":[{"message":{"role":"assistant","content":"pong","reasoning_content":"hm"}}],
    "usage":{"prompt_tokens":5,"completion_tokens":2}}"""
    assert read("\n\n\n" + body) == Completion("pong", 5, 2)


def test_openai_refusal_is_an_empty_answer() -> None:
    body = """{"choices":[{"message":{"role":"assistant","content":null,"refusal":"I can't help with that."},
    "finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":8}}"""
    assert read(body) == Completion("", 5, 8, finish=Finish.REFUSED)


def test_openai_completion_text_is_read() -> None:
    body = """{"object":"text_completion","choices":[{"text":" pong","index":0,"logprobs":null,"finish_reason":"stop"}],
    "usage":{"prompt_tokens":5,"completion_tokens":2}}"""
    assert read(body) == Completion(" pong", 5, 2)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 5.0, "completion_tokens": 2.0}, (5, 2)),
        ({"prompt_tokens": 5, "total_tokens": 9}, (5, 4)),
        ({"prompt_tokens": 5, "completion_tokens": None, "total_tokens": 5}, (5, 0)),
        ({"prompt_tokens": "5", "completion_tokens": -1}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": 1e300}, (0, 0)),
        ({"total_tokens": 9}, (0, 9)),
        ([5, 2], (0, 0)),
    ],
)
def test_usage_of_any_shape_gives_token_counts(usage: object, tokens: tuple[int, int]) -> None:
    body = json.dumps({"choices": [{"message": {"content": "pong"}}], "usage": usage})
    assert read(body) == Completion("pong", *tokens)


def test_usage_of_nan_and_infinity_counts_no_tokens() -> None:
    body = '{"choices":[{"message":{"content":"pong"}}],"usage":{"prompt_tokens":NaN,"completion_tokens":Infinity}}'
    assert read(body) == Completion("pong")


def test_deeply_nested_json_raises_transient_error() -> None:
    error = failure("[" * 100_000)
    assert isinstance(error, TransientError)
    assert error.maybe_paid
