"""The tokens that a service says an answer took, as OpenAI's and Anthropic's API report them."""

from __future__ import annotations

_INPUT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def openai_tokens(usage: object) -> tuple[int, int]:
    """Return the tokens of prompt and answer; some servers report only those of the prompt and the total."""
    if not isinstance(usage, dict):
        return 0, 0
    prompt, answer, total = (count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens"))
    return prompt, answer or max(0, total - prompt if prompt else 0)


def anthropic_tokens(usage: object) -> tuple[int, int]:
    """Return the tokens of prompt and answer."""
    if not isinstance(usage, dict):
        return 0, 0
    return sum(count(usage.get(name)) for name in _INPUT_TOKENS), count(usage.get("output_tokens"))


def count(value: object) -> int:
    """Return a number of tokens from a JSON value of any type; 0 if it is not a number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < 2**53 else 0  # type: ignore[operator, call-overload]
