"""The prompt of a local writer: exemplars, soft prompt and cue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instructzero.errors import ConfigurationError
from instructzero.prompts.fields import FIELD, fill
from instructzero.prompts.writer_texts import DESCRIPTION, EXAMPLES, SOFT_PROMPT, demonstrations, local_text
from instructzero.protocols import SoftPromptModel
from instructzero.types import Example

CUE = "The instruction was to"
# Marks the place of the soft prompt while a chat template is rendered. No tokenizer or template alters it.
SOFT_PROMPT_MARK = "<<<soft-prompt>>>"

_DESCRIBED = f"Task: {{{DESCRIPTION}}}\n\n"
_FIELD = f"{{{SOFT_PROMPT}}}"


@dataclass(frozen=True, slots=True)
class WriterPrompt:
    """The text around the soft prompt.

    Parameters
    ----------
    before, after
        The text before and after the soft prompt.
    special_tokens
        Let the tokenizer add its own special tokens: yes for plain text, no for a rendered chat template.
    cue
        The words that the instruction follows, which a model may repeat.
    """

    before: str
    after: str
    special_tokens: bool
    cue: str = CUE


def writer_prompt(
    model: SoftPromptModel,
    exemplars: Sequence[Example],
    *,
    template: str,
    placement: str,
    text: str | None = None,
    description: str = "",
) -> WriterPrompt:
    """Return the prompt of the writer.

    Parameters
    ----------
    model
        The writer; it renders its own chat template.
    exemplars
        The examples that the writer sees.
    template
        ``completion`` (plain text), ``chat`` (the model's chat template) or ``auto`` (``chat`` if the model has one).
    placement
        The place of the soft prompt in a text without ``{soft_prompt}``. ``front``: before everything, as in the
        paper. ``user_turn``: at the start of the user's turn, where a chat model expects the user's words.
        ``after_exemplars``: before the cue, so that the text before it is the same for all soft prompts and is
        processed once.
    text
        The user's own text with ``{examples}``, ``{description}`` and ``{soft_prompt}``; what follows the last field is
        the cue. None is the default.
    description
        The task in the user's words; "" if there is none.

    Raises
    ------
    ConfigurationError
        If the template or the placement needs a chat template and the model has none, or a field does not fit.
    """
    chat = _is_chat(model, template)
    if placement == "user_turn" and not chat:
        raise ConfigurationError(
            "expected a chat template for the placement user_turn, got plain text; "
            "choose the placement front or a writer with a chat template"
        )
    pattern = _default(chat, description) if text is None else local_text(text, description)
    values = {EXAMPLES: demonstrations(exemplars), DESCRIPTION: description}
    cue = CUE if text is None else _filled(_parts(pattern)[1], {})
    before, after = _chat_prompt(model, pattern, values, placement) if chat else _plain(pattern, values, placement)
    return WriterPrompt(before, after, special_tokens=not chat, cue=cue)


def _is_chat(model: SoftPromptModel, template: str) -> bool:
    if template == "chat" and not model.has_chat_template:
        raise ConfigurationError(
            "expected a writer with a chat template, got one without; choose the template completion"
        )
    return template != "completion" and model.has_chat_template


def _default(chat: bool, description: str) -> str:
    """Return the default text; a chat model gets the cue as a question."""
    return f"{_DESCRIBED if description else ''}{{{EXAMPLES}}}\n\n{CUE}{'?' if chat else ''}"


def _plain(pattern: str, values: Mapping[str, str], placement: str) -> tuple[str, str]:
    """Return the plain text before and after the soft prompt."""
    before, field, after = pattern.partition(_FIELD)
    if not field:
        before, after = _parts(pattern) if placement == "after_exemplars" else ("", pattern)
    return _filled(before, values), _filled(after, values)


def _chat_prompt(model: SoftPromptModel, pattern: str, values: Mapping[str, str], placement: str) -> tuple[str, str]:
    """Return the rendered chat before and after the soft prompt."""
    if _FIELD not in pattern and placement == "front":
        return "", model.render_chat(_filled(pattern, values))
    before, field, after = pattern.partition(_FIELD)
    if not field:
        before, after = _parts(pattern) if placement == "after_exemplars" else ("", pattern)
        after = f"\n{after}"
    content = f"{_filled(before, values)}{SOFT_PROMPT_MARK}{_filled(after, values)}"
    before, _, after = model.render_chat(content).partition(SOFT_PROMPT_MARK)
    return before, after


def _parts(pattern: str) -> tuple[str, str]:
    """Return the canonical text up to the cue, and the cue: what follows the last field and white space."""
    end = max(found.end() for found in FIELD.finditer(pattern) if found[1])
    cue = pattern[end:].lstrip()
    return pattern.removesuffix(cue) if cue else pattern, cue


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    return fill(pattern, lambda name: values[name])
