"""Settings: the model that writes instructions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.endpoints import Address, Body, Headers, Variable
from instructzero.config.fields import LONGEST_S, Count, Panel, option


class WriterSettings(BaseModel):
    """The model that writes instructions."""

    writer: Annotated[
        str,
        option(
            Panel.WRITER,
            "Hugging Face causal LM: a folder, a hub id or embedded:writer, for built-in tasks only; on a server "
            "vllm:NAME or sglang:NAME; asked in words openai:MODEL or anthropic:MODEL",
            form="MODEL",
        ),
    ] = "embedded:writer"
    writer_url: Annotated[
        Address | None,
        option(
            Panel.WRITER,
            "address of the writer's server or API (default: localhost with the server's usual port; for an API the "
            "official address, or --base-url if the black box is of the same kind)",
            form="URL",
            operational=True,
        ),
    ] = None
    writer_key_env: Annotated[
        Variable | None,
        option(
            Panel.WRITER,
            "environment variable with the key of a writer behind an API (default: that of the black box at the same "
            "address, or the usual one of its service)",
            form="NAME",
            operational=True,
        ),
    ] = None
    writer_header: Annotated[
        Headers,
        option(
            Panel.WRITER,
            "a header of every request to a writer behind an API, as --header (default: those of the black box at the "
            "same address)",
            form="NAME:VALUE",
            operational=True,
        ),
    ] = ()
    writer_extra_body: Annotated[
        Body | None, option(Panel.WRITER, "further fields of every request to a writer behind an API", form="JSON")
    ] = None
    writer_timeout: Annotated[
        float | None,
        option(
            Panel.WRITER,
            "time after which an answer of a writer behind an API is late (default: --timeout)",
            form="SECONDS",
            operational=True,
            gt=0,
            le=LONGEST_S,
        ),
    ] = None
    writer_input_price: Annotated[
        float | None,
        option(
            Panel.WRITER,
            "price of a million prompt tokens of a writer behind an API (default: that of the same model at the same "
            "address, or the list price)",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    writer_output_price: Annotated[
        float | None,
        option(
            Panel.WRITER,
            "price of a million answer tokens of a writer behind an API",
            form="DOLLARS",
            operational=True,
            ge=0,
        ),
    ] = None
    writer_prompt: Annotated[
        str | None,
        option(
            Panel.WRITER,
            "prompt of the writer, with the fields {examples}, {description} and {soft_prompt}; behind an API the text "
            "around each {request}",
            form="FILE_OR_TEXT",
            text=True,
        ),
    ] = None
    writer_template: Annotated[
        Literal["auto", "completion", "chat"],
        option(Panel.WRITER, "prompt as plain text or in the model's chat template; auto prefers the template"),
    ] = "auto"
    placement: Annotated[
        Literal["front", "user_turn", "after_exemplars"],
        option(
            Panel.WRITER,
            "position of the soft prompt: before everything (the paper), at the start of the user's turn, or after the "
            "exemplars, which are then encoded once per run",
        ),
    ] = "front"
    projection: Annotated[
        Literal["uniform", "normal"],
        option(
            Panel.WRITER, "distribution of the random matrix: U(-1, 1), or normal, scaled to the writer's embeddings"
        ),
    ] = "uniform"
    soft_scale: Annotated[float, option(Panel.WRITER, "scale factor of the random matrix", gt=0)] = 1.0
    dimension: Annotated[
        Count, option(Panel.WRITER, "dimension d of the searched vector z", le=21_201)  # Sobol's sequences end there
    ] = 10
    soft_tokens: Annotated[Count, option(Panel.WRITER, "length t of the soft prompt in tokens")] = 5
    instruction_tokens: Annotated[Count, option(Panel.WRITER, "maximum tokens of an instruction")] = 128
    rewriter: Annotated[
        Literal["writer", "blackbox"],
        option(
            Panel.WRITER,
            "model that writes new texts from existing ones: the writer by continuation (behind an API by requests), "
            "or the black box by paid requests",
        ),
    ] = "writer"
