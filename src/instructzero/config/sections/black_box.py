"""Settings: the model that is instructed, and how it is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.fields import Count, Panel, option


class BlackBoxSettings(BaseModel):
    """The model that is instructed, and how it is asked."""

    blackbox: Annotated[
        str,
        option(
            Panel.BLACK_BOX,
            "openai:MODEL, anthropic:MODEL, hf:PATH_OR_ID, python:module:function or embedded:blackbox",
            form="MODEL",
        ),
    ] = "embedded:blackbox"
    base_url: Annotated[
        str | None,
        option(Panel.BLACK_BOX, "address of an OpenAI-compatible endpoint, such as http://host:8000/v1", form="URL"),
    ] = None
    blackbox_template: Annotated[
        Literal["auto", "completion", "chat"], option(Panel.BLACK_BOX, "prompt as plain text or as chat messages")
    ] = "auto"
    prompt: Annotated[
        str | None,
        option(
            Panel.BLACK_BOX,
            "your prompt: lines that begin with system:, user: or assistant:, or a YAML list of messages, with the "
            "fields {instruction}, {input} and columns by name (default: one user message)",
            form="FILE_OR_TEXT",
            text=True,
        ),
    ] = None
    answer_tokens: Annotated[Count, option(Panel.BLACK_BOX, "maximum tokens of an answer")] = 256
    temperature: Annotated[float, option(Panel.BLACK_BOX, "sampling temperature; 0 is greedy", ge=0, le=2)] = 0.0
    concurrency: Annotated[
        Count | None,
        option(Panel.BLACK_BOX, "maximum concurrent requests (default: 32 at an endpoint)", operational=True),
    ] = None
    timeout: Annotated[
        float, option(Panel.BLACK_BOX, "maximum time to wait for an answer", form="SECONDS", operational=True, gt=0)
    ] = 60.0
    retries: Annotated[
        int, option(Panel.BLACK_BOX, "further attempts after a transient failure", operational=True, ge=0)
    ] = 5
    max_failures: Annotated[
        float,
        option(Panel.BLACK_BOX, "share of examples that may get no answer and score 0", operational=True, ge=0, le=1),
    ] = 0.1
    requests_per_minute: Annotated[
        Count | None, option(Panel.BLACK_BOX, "maximum requests per minute", operational=True)
    ] = None
    tokens_per_minute: Annotated[
        Count | None, option(Panel.BLACK_BOX, "maximum prompt and answer tokens per minute", operational=True)
    ] = None
