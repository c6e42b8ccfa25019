"""The prompt of a local writer: exemplars, soft prompt and cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from instructzero.errors import ConfigurationError
from instructzero.protocols import SoftPromptModel
from instructzero.types import Example

CUE = "The instruction was to"
# Marks the place of the soft prompt while a chat template is rendered. No tokenizer or template alters it.
SOFT_PROMPT_MARK = "<<<soft-prompt>>>"


@dataclass(frozen=True, slots=True)
class WriterPrompt:
    """The text around the soft prompt.

    Parameters
    ----------
    before, after
        The text before and after the soft prompt.
    special_tokens
        Let the tokenizer add its own special tokens: yes for plain text, no for a rendered chat template.
    """

    before: str
    after: str
    special_tokens: bool


def demonstrations(exemplars: Sequence[Example]) -> str:
    """Return the exemplars as text, with their first accepted answers, separated by blank lines."""
    return "\n\n".join(f"Input: {exemplar.input}\nOutput: {exemplar.outputs[0]}" for exemplar in exemplars)


def writer_prompt(
    model: SoftPromptModel, exemplars: Sequence[Example], *, template: str, placement: str
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
        The place of the soft prompt. ``front``: before everything, as in the paper. ``user_turn``: at the start of the
        user's turn, where a chat model expects the user's words. ``after_exemplars``: between the exemplars and the
        cue, so that the text before it is the same for all soft prompts and is processed once.

    Raises
    ------
    ConfigurationError
        If the template or the placement needs a chat template and the model has none.
    """
    content = f"{demonstrations(exemplars)}\n\n{CUE}"
    if template == "completion" or (template == "auto" and not model.has_chat_template):
        if placement == "user_turn":
            raise ConfigurationError(
                "expected a chat template for the placement user_turn, got plain text; "
                "choose the placement front or a writer with a chat template"
            )
        if placement == "after_exemplars":
            return WriterPrompt(content.removesuffix(CUE), CUE, special_tokens=True)
        return WriterPrompt("", content, special_tokens=True)
    if not model.has_chat_template:
        raise ConfigurationError(
            "expected a writer with a chat template, got one without; choose the template completion"
        )
    return _chat_prompt(model, content + "?", placement)


def _chat_prompt(model: SoftPromptModel, content: str, placement: str) -> WriterPrompt:
    if placement == "front":
        return WriterPrompt("", model.render_chat(content), special_tokens=False)
    shown, cue = content.rsplit(CUE, 1)
    marked = {
        "user_turn": f"{SOFT_PROMPT_MARK}\n{content}",
        "after_exemplars": f"{shown}{SOFT_PROMPT_MARK}\n{CUE}{cue}",
    }
    before, _, after = model.render_chat(marked[placement]).partition(SOFT_PROMPT_MARK)
    return WriterPrompt(before, after, special_tokens=False)
