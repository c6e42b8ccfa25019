"""What the models read: the prompt of a local writer, and the template of the questions to the black box."""

from instructzero.prompts.template import DEFAULT, PromptTemplate, renderer, zero_shot
from instructzero.prompts.writer import CUE, SOFT_PROMPT_MARK, WriterPrompt, demonstrations, writer_prompt

__all__ = [
    "CUE",
    "DEFAULT",
    "SOFT_PROMPT_MARK",
    "PromptTemplate",
    "WriterPrompt",
    "demonstrations",
    "renderer",
    "writer_prompt",
    "zero_shot",
]
