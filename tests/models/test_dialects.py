"""Responses of servers that speak like OpenAI's API, each in its own way; recorded by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from instructzero.errors import EndpointError, InstructZeroError, ModelError, TransientError
from instructzero.models.openai import read_answer
from instructzero.models.service import Complaint, Reply, Service
from instructzero.types import Completion

SERVICE = Service("http://host/v1", "m", "OPENAI_API_KEY", "")


def read(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Completion:
    """What the black box makes of a response."""
    body = body.replace("\n    ", " ")  # lines are broken for the reader only
    reply = Reply(status, headers or {"content-type": "application/json"}, body.encode())
    if status == 200:
        return read_answer(reply, SERVICE)
    raise SERVICE.failure(status, reply.headers, Complaint.read(reply.body))


def failure(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> InstructZeroError:
    with pytest.raises(InstructZeroError) as caught:
        read(body, status, headers)
    return caught.value


def test_ollama_answers_plainly_and_names_its_build() -> None:
    body = """{"id":"chatcmpl-361","object":"chat.completion","created":1751000000,"model":"llama3.2:1b",
    "system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"pong"},
    "finish_reason":"stop"}],"usage":{"prompt_tokens":26,"completion_tokens":3,"total_tokens":29}}"""
    assert read(body) == Completion("pong", 26, 3)


def test_ollama_puts_a_reasoning_models_thoughts_beside_the_answer() -> None:
    body = """{"object":"chat.completion","model":"qwen3:4b","choices":[{"index":0,"message":{"role":"assistant",
    "content":"pong","reasoning":"The user says ping."},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":11,"completion_tokens":90,"total_tokens":101}}"""
    assert read(body) == Completion("pong", 11, 90)


def test_ollama_says_which_model_is_missing() -> None:
    body = """{"error":{"message":"model \\"m\\" not found, try pulling it first","type":"api_error","param":null,
    "code":null}}"""
    error = failure(body, 404)
    assert isinstance(error, ModelError)
    assert "try pulling it first" in str(error)


def test_vllm_leaves_the_content_out_when_the_thoughts_took_all_tokens() -> None:
    body = """{"id":"chatcmpl-9f","object":"chat.completion","model":"Qwen/Qwen3-8B","choices":[{"index":0,"message":
    {"role":"assistant","content":null,"refusal":null,"annotations":null,"audio":null,"function_call":null,
    "tool_calls":[],"reasoning_content":"Okay, the user"},"logprobs":null,"finish_reason":"length","stop_reason":null}],
    "service_tier":null,"usage":{"prompt_tokens":14,"total_tokens":30,"completion_tokens":16,
    "prompt_tokens_details":null},"prompt_logprobs":null,"kv_transfer_params":null}"""
    assert read(body) == Completion("", 14, 16)


def test_vllm_words_an_error_without_an_envelope() -> None:
    body = """{"object":"error","message":"This model's maximum context length is 2048 tokens.",
    "type":"BadRequestError","param":null,"code":400}"""
    error = failure(body, 400)
    assert isinstance(error, ModelError)
    assert "maximum context length is 2048 tokens" in str(error)


def test_llama_cpp_adds_its_timings() -> None:
    body = """{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","reasoning_content":"hm",
    "content":"pong"}}],"created":1751000000,"model":"gpt-3.5-turbo","system_fingerprint":"b5000-abc",
    "object":"chat.completion","usage":{"completion_tokens":2,"prompt_tokens":12,"total_tokens":14},
    "id":"chatcmpl-x","timings":{"prompt_n":12,"prompt_ms":51.2,"predicted_n":2,"predicted_ms":20.1}}"""
    assert read(body) == Completion("pong", 12, 2)


def test_llama_cpp_is_loading_its_model() -> None:
    error = failure('{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', 503)
    assert isinstance(error, TransientError)
    assert not error.maybe_paid
    assert "Loading model" in str(error)


def test_together_echoes_the_prompt_and_numbers_the_seed() -> None:
    body = """{"id":"oAbC","object":"chat.completion","created":1751000000,"model":"meta-llama/Llama-3-8b-chat-hf",
    "prompt":[],"choices":[{"finish_reason":"eos","seed":10445689732479100000,"logprobs":null,"index":0,
    "message":{"role":"assistant","content":"pong","tool_calls":[]}}],
    "usage":{"prompt_tokens":18,"completion_tokens":3,"total_tokens":21,"cached_tokens":0}}"""
    assert read(body) == Completion("pong", 18, 3)


def test_together_may_not_say_the_usage() -> None:
    assert read('{"choices":[{"message":{"role":"assistant","content":"pong"}}],"usage":null}') == Completion("pong")


def test_groq_measures_seconds_among_the_tokens() -> None:
    body = """{"id":"chatcmpl-1","object":"chat.completion","model":"llama-3.1-8b-instant","choices":[{"index":0,
    "message":{"role":"assistant","content":"pong"},"logprobs":null,"finish_reason":"stop"}],"usage":{
    "queue_time":0.018,"prompt_tokens":38,"prompt_time":0.0024,"completion_tokens":3,"completion_time":0.004,
    "total_tokens":41,"total_time":0.0064},"usage_breakdown":null,"system_fingerprint":"fp_1","x_groq":{"id":"req_1"}}"""
    assert read(body) == Completion("pong", 38, 3)


def test_groq_says_when_the_minute_is_over() -> None:
    body = """{"error":{"message":"Rate limit reached for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit
    6000, Used 5900, Requested 300. Please try again in 2s.","type":"tokens","code":"rate_limit_exceeded"}}"""
    error = failure(body, 429, {"retry-after": "2", "x-ratelimit-remaining-tokens": "100"})
    assert isinstance(error, TransientError)
    assert error.throttled
    assert error.retry_after == 2.0


def test_lm_studio_has_statistics_of_its_own() -> None:
    body = """{"id":"chatcmpl-b","object":"chat.completion","created":1751000000,"model":"qwen2.5-7b-instruct",
    "choices":[{"index":0,"logprobs":null,"finish_reason":"stop","message":{"role":"assistant","content":"pong"}}],
    "usage":{"prompt_tokens":24,"completion_tokens":2,"total_tokens":26},"stats":{},"system_fingerprint":"qwen"}"""
    assert read(body) == Completion("pong", 24, 2)


def test_lm_studio_answers_a_wrong_path_with_status_200() -> None:
    error = failure('{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}')
    assert isinstance(error, ModelError)
    assert "often it ends in /v1" in str(error)


def test_mistral_divides_the_content_into_thoughts_and_text() -> None:
    body = """{"id":"c","object":"chat.completion","model":"magistral-medium-latest","choices":[{"index":0,"message":{
    "role":"assistant","tool_calls":null,"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},
    {"type":"text","text":"po"},{"type":"text","text":"ng"}]},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":9,"total_tokens":60,"completion_tokens":51}}"""
    assert read(body) == Completion("pong", 9, 51)


def test_mistral_words_a_refusal_as_its_validator_does() -> None:
    body = """{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","top_k"],"msg":"Extra
    inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}"""
    error = failure(body, 422)
    assert isinstance(error, ModelError)
    assert "top_k" in str(error)


def test_openrouter_reports_an_upstream_failure_with_status_200() -> None:
    body = '{"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"X"}},"user_id":"u"}'
    error = failure(body)
    assert isinstance(error, TransientError)
    assert "Provider returned error" in str(error)


def test_openrouter_reports_a_limit_with_status_200() -> None:
    error = failure('{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min"}}')
    assert isinstance(error, TransientError)
    assert error.throttled


def test_openrouter_breaks_off_inside_a_choice() -> None:
    body = """{"id":"gen-1","choices":[{"index":0,"finish_reason":"error","native_finish_reason":null,
    "message":{"role":"assistant","content":"po"},"error":{"code":503,"message":"Upstream overloaded"}}]}"""
    assert isinstance(failure(body), TransientError)


def test_openrouter_wants_credits() -> None:
    error = failure('{"error":{"code":402,"message":"Insufficient credits. Add more."}}', 402)
    assert isinstance(error, EndpointError)
    assert not isinstance(error, TransientError)


def test_openrouter_refuses_a_key_with_status_200() -> None:
    assert isinstance(failure('{"error":{"code":401,"message":"No auth credentials found"}}'), ModelError)


def test_an_error_that_is_null_is_none() -> None:
    assert read('{"error":null,"choices":[{"message":{"content":"pong"},"error":null}]}') == Completion("pong")


def test_deepseek_sends_blank_lines_while_it_works() -> None:
    body = """{"choices":[{"message":{"role":"assistant","content":"pong","reasoning_content":"hm"}}],
    "usage":{"prompt_tokens":5,"completion_tokens":2}}"""
    assert read("\n\n\n" + body) == Completion("pong", 5, 2)


def test_openai_refuses_in_a_field_of_its_own() -> None:
    body = """{"choices":[{"message":{"role":"assistant","content":null,"refusal":"I can't help with that."},
    "finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":8}}"""
    assert read(body) == Completion("", 5, 8)


def test_openai_completions_have_a_text() -> None:
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
        ({"total_tokens": 9}, (0, 0)),
        ([5, 2], (0, 0)),
    ],
)
def test_gateways_count_in_their_own_ways(usage: object, tokens: tuple[int, int]) -> None:
    body = json.dumps({"choices": [{"message": {"content": "pong"}}], "usage": usage})
    assert read(body) == Completion("pong", *tokens)


def test_numbers_that_are_none_are_not_counted() -> None:
    body = '{"choices":[{"message":{"content":"pong"}}],"usage":{"prompt_tokens":NaN,"completion_tokens":Infinity}}'
    assert read(body) == Completion("pong")


def test_a_text_nested_beyond_reason_is_no_answer() -> None:
    error = failure("[" * 100_000)
    assert isinstance(error, TransientError)
    assert error.maybe_paid
