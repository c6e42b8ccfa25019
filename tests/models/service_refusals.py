"""Refusals of parameters in the words of the services, and what a client should learn from each.

The messages are those that users of the services have reported, with other names of models and numbers. Ollama and
LM Studio are missing, because they ignore what they do not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A refusal of one service.

    Parameters
    ----------
    service
        Its name.
    body
        The response: a text, or what it holds as JSON.
    learned
        The parameter that should be left out or renamed; "" if the refusal concerns a value of the user's, or no
        parameter.
    status
        The status of HTTP.
    sent
        Fields of the request beside model, messages, ``max_tokens`` of 300, temperature 0 and seed 7.
    """

    service: str
    body: Any
    learned: str
    status: int = 400
    sent: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def request(self) -> dict[str, Any]:
        """The request that was refused."""
        usual = {"model": "m", "max_tokens": 300, "temperature": 0.0, "seed": 7, "messages": []}
        if "max_completion_tokens" in self.sent:
            del usual["max_tokens"]
        return usual | self.sent


def openai(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def google(message: str) -> list[Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"description": message}]}]
    return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}}]


def pydantic(name: str, kind: str, message: str) -> dict[str, Any]:
    return {"detail": [{"type": kind, "loc": ["body", name], "msg": message, "input": 7}]}


OLD_LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
ONLY_ONE = (
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
)
NO_TEMPERATURE = "Unsupported parameter: 'temperature' is not supported with this model."
BOTH = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
FORBIDDEN = "Extra inputs are not permitted"
NEW_NAME = {"max_completion_tokens": 300}

REFUSALS = [
    Refusal("OpenAI, o series", openai(OLD_LIMIT, "max_tokens", "unsupported_parameter"), "max_tokens"),
    Refusal("OpenAI, o series", openai(NO_TEMPERATURE, "temperature", "unsupported_parameter"), "temperature"),
    Refusal("OpenAI, gpt-5", openai(ONLY_ONE, "temperature", "unsupported_value"), "temperature"),
    Refusal(
        "OpenAI, gpt-4o-search",
        openai("Model incompatible request argument supplied: temperature", "temperature"),
        "temperature",
    ),
    Refusal(
        "OpenAI, gpt-4o",
        openai(
            "max_tokens is too large: 20000. This model supports at most 16384 completion tokens, whereas you provided "
            "20000.",
            "max_tokens",
            "invalid_value",
        ),
        "",
    ),
    Refusal("Azure", openai("Unrecognized request argument supplied: seed"), "seed"),
    Refusal(
        "Azure",
        openai("Unrecognized request argument supplied: max_completion_tokens"),
        "max_completion_tokens",
        sent=NEW_NAME,
    ),
    Refusal("Azure, Mistral", pydantic("seed", "extra_forbidden", FORBIDDEN), "seed", 422),
    Refusal(
        "Anthropic",
        {"type": "error", "error": openai("`temperature` is deprecated for this model.")["error"]},
        "temperature",
    ),
    Refusal("Anthropic", openai(BOTH), "temperature", sent={"top_p": 0.9}),
    Refusal("Anthropic", openai("temperature: range: 0..1"), "temperature", sent={"temperature": 1.5}),
    Refusal("Anthropic", openai("temperature: range: -1 or 0..1"), ""),
    Refusal(
        "Anthropic",
        openai("`temperature` may only be set to 1 when thinking is enabled. Please consult the documentation."),
        "temperature",
        sent={"thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    Refusal(
        "Anthropic",
        openai("max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for m"),
        "",
    ),
    Refusal("Kimi", openai("invalid temperature: only 1 is allowed for this model"), "temperature"),
    Refusal("Kimi", openai("invalid temperature: only 0.6 is allowed for this model"), "temperature"),
    Refusal("Kimi", openai("invalid temperature: only 0.6 is allowed for this model"), "", sent={"temperature": 0.6}),
    Refusal(
        "TGI",
        {"error": "Input validation error: `temperature` must be strictly positive", "error_type": "validation"},
        "temperature",
        422,
    ),
    Refusal("TGI", "Input validation error: `temperature` must be strictly positive", "temperature", 422),
    Refusal(
        "TGI",
        {"error": "Input validation error: `max_new_tokens` must be <= 4096. Given: 5000", "error_type": "validation"},
        "",
        422,
    ),
    Refusal(
        "vLLM",
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs "
            "are not permitted', 'input': 800}]",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        "max_completion_tokens",
        sent=NEW_NAME,
    ),
    Refusal(
        "vLLM",
        {
            "object": "error",
            "message": "Torch XLA does not support per-request seed.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        "seed",
    ),
    Refusal(
        "vLLM",
        {
            "object": "error",
            "message": "'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's "
            "maximum context length is 4096 tokens and your request has 12 input tokens (20000 > 4096 - 12). None",
            "type": "BadRequestError",
            "param": "max_tokens",
            "code": 400,
        },
        "",
    ),
    Refusal(
        "llama.cpp",
        {"error": {"code": 400, "message": "Unsupported param: seed", "type": "invalid_request_error"}},
        "seed",
    ),
    Refusal("Groq", openai("property 'seed' is unsupported"), "seed"),
    Refusal(
        "Groq",
        openai(
            "`max_tokens` must be less than or equal to `16384`, the maximum value for `max_tokens` is less than the "
            "`context_window` for this model"
        ),
        "",
    ),
    Refusal(
        "Together",
        {
            "id": "o1",
            "error": {
                "message": "Input validation error: `temperature` must be strictly positive",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        },
        "temperature",
        422,
    ),
    Refusal(
        "Mistral",
        {
            "object": "error",
            "message": pydantic("seed", "extra_forbidden", FORBIDDEN),
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        "seed",
        422,
    ),
    Refusal(
        "Mistral",
        {
            "object": "error",
            "message": pydantic("temperature", "less_than_equal", "Input should be less than or equal to 1"),
        },
        "temperature",
        422,
        {"temperature": 1.31},
    ),
    Refusal(
        "Mistral",
        {
            "object": "error",
            "message": pydantic("temperature", "less_than_equal", "Input should be less than or equal to 1"),
        },
        "",
        422,
    ),
    Refusal("DeepSeek", openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"), ""),
    Refusal("DeepSeek", openai("Invalid temperature value, the valid range of temperature is [0, 2.0]"), ""),
    Refusal(
        "xAI",
        {"code": "Client specified an invalid argument", "error": "Argument not supported on this model: seed"},
        "seed",
    ),
    Refusal(
        "xAI", {"code": "invalid-argument", "error": "Model m does not support parameter temperature."}, "temperature"
    ),
    Refusal("Gemini", google('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), "seed"),
    Refusal(
        "Gemini",
        google('Invalid JSON payload received. Unknown name "temperature": Cannot find field.'),
        "temperature",
    ),
    Refusal(
        "OpenRouter",
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": json.dumps(openai(NO_TEMPERATURE, "temperature"), indent=2),
                    "provider_name": "OpenAI",
                },
            },
            "user_id": "u",
        },
        "temperature",
    ),
    Refusal(
        "OpenRouter, with status 200",
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": json.dumps(openai(NO_TEMPERATURE, "temperature"), indent=2),
                    "provider_name": "OpenAI",
                },
            },
            "user_id": "u",
        },
        "temperature",
        200,
    ),
    Refusal(
        "LiteLLM",
        openai(
            'litellm.BadRequestError: AnthropicException - {"type":"error","error":{"type":'
            f'"invalid_request_error","message":"{BOTH}"}},"request_id":""}}. Available Model Group '
            "Fallbacks=None",
            None,
            "400",
        ),
        "temperature",
        sent={"top_p": 0.9},
    ),
    Refusal(
        "Cohere",
        {"message": "unknown field: parameter 'seed' is not a valid field. For proper usage, please refer to the docs"},
        "seed",
        422,
    ),
    Refusal(
        "Perplexity",
        openai('["At body -> temperature: Input should be less than 2"]'),
        "temperature",
        sent={"temperature": 2.0},
    ),
    Refusal(
        "Bedrock",
        {
            "message": "Malformed input request: #: extraneous key [max_tokens] is not permitted, please "
            "reformat your input and try again."
        },
        "max_tokens",
    ),
    Refusal(
        "GigaChat",
        {"status": 422, "message": "Invalid params: temperature must be in range (0, +inf)"},
        "temperature",
        422,
    ),
    Refusal(
        "DashScope",
        {
            "error": {
                "code": "invalid_parameter_error",
                "param": None,
                "type": "invalid_request_error",
                "message": "Temperature should be in [0.0, 2.0)",
            }
        },
        "temperature",
        sent={"temperature": 2.0},
    ),
    Refusal(
        "DashScope",
        {
            "error": {
                "code": "invalid_parameter_error",
                "param": None,
                "type": "invalid_request_error",
                "message": "Temperature should be in [0.0, 2.0)",
            }
        },
        "",
    ),
    Refusal("Zhipu", {"error": {"code": "1214", "message": "temperature参数非法。请检查文档。"}}, "temperature"),
    Refusal(
        "a gateway",
        {
            "error": {
                "cause": json.dumps(openai(ONLY_ONE, "temperature"), indent=1),
                "code": 400,
                "message": "the call of the model failed",
                "status": "FAILED_RESPONSE",
            }
        },
        "temperature",
    ),
    Refusal(
        "a proxy",
        openai(
            "The temperature hyperparameter is out of range. The valid range for the temperature "
            "hyperparameter should be between 0 and 1."
        ),
        "temperature",
        sent={"temperature": 1.5},
    ),
    Refusal("a proxy", openai("temperature can only be 0.6"), "temperature"),
    Refusal("a proxy", openai("seed: value must be <= 5"), "seed"),
]

OWN_FIELDS = [
    Refusal("Groq", openai("property 'top_k' is unsupported"), "top_k", sent={"top_k": 5}),
    Refusal(
        "xAI",
        {
            "code": "Client specified an invalid argument",
            "error": "Argument not supported on this model: reasoningEffort",
        },
        "reasoning_effort",
        sent={"reasoning_effort": "low"},
    ),
    Refusal(
        "OpenAI",
        openai("Invalid value: 'tiny'. Supported values are: 'low', 'medium', and 'high'.", "reasoning_effort"),
        "reasoning_effort",
        sent={"reasoning_effort": "tiny"},
    ),
    Refusal(
        "OpenAI",
        openai("Unsupported value: 'reasoning.effort' does not support 'minimal'.", "reasoning.effort"),
        "reasoning",
        sent={"reasoning": {"effort": "minimal"}},
    ),
    Refusal(
        "Gemini",
        google('Invalid JSON payload received. Unknown name "top_k": Cannot find field.'),
        "top_k",
        sent={"top_k": 5},
    ),
    Refusal(
        "Mistral",
        {"object": "error", "message": pydantic("top_k", "extra_forbidden", FORBIDDEN)},
        "top_k",
        422,
        {"top_k": 5},
    ),
    Refusal(
        "Kimi",
        openai("invalid temperature: only 1 is allowed for this model"),
        "temperature",
        sent={"temperature": 0.3},
    ),
]
"""Refusals of fields that the user added."""
