"""Settings: the model that is instructed, and how it is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.endpoints import Address, Body, Headers, Variable
from instructzero.config.fields import LONGEST_S, Count, Panel, option


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
        Address | None,
        option(Panel.BLACK_BOX, "address of an OpenAI-compatible endpoint, such as http://host:8000/v1", form="URL"),
    ] = None
    key_env: Annotated[
        Variable | None,
        option(
            Panel.BLACK_BOX,
            "environment variable with the key (default: OPENAI_API_KEY or ANTHROPIC_API_KEY)",
            form="NAME",
            operational=True,
        ),
    ] = None
    header: Annotated[
        Headers,
        option(
            Panel.BLACK_BOX,
            "a header of every request; a secret one is read from the environment: NAME:env:VARIABLE; may be repeated",
            form="NAME:VALUE",
            operational=True,
        ),
    ] = ()
    extra_body: Annotated[
        Body | None,
        option(Panel.BLACK_BOX, 'further fields of every request, such as {"reasoning_effort": "low"}', form="JSON"),
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
    batch_api: Annotated[
        bool,
        option(
            Panel.BLACK_BOX,
            "ask in batches that are answered within a day, at half the list price; for openai: and anthropic:",
            operational=True,
        ),
    ] = False
    concurrency: Annotated[
        Count | None,
        option(Panel.BLACK_BOX, "maximum concurrent requests (default: 32 at an endpoint)", operational=True),
    ] = None
    timeout: Annotated[
        float,
        option(
            Panel.BLACK_BOX,
            "time after which an answer is late; it is awaited for twice as long",
            form="SECONDS",
            operational=True,
            gt=0,
            le=LONGEST_S,
        ),
    ] = 60.0
    max_wait: Annotated[
        float,
        option(
            Panel.BLACK_BOX,
            "longest wait that a service may ask for; also with a unit: 90s, 5m, 1h; a longer one stops the run, which "
            "can be resumed",
            form="SECONDS",
            operational=True,
            gt=0,
            le=LONGEST_S,
        ),
    ] = 300.0
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
