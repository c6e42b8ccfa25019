"""What the models read: the prompt of a local writer, and the template of the questions to the black box."""

from instructzero.prompts.chosen import columns_shown, input_names, template_of
from instructzero.prompts.template import DEFAULT, RESERVED, PromptTemplate, renderer, zero_shot
from instructzero.prompts.writer import CUE, SOFT_PROMPT_MARK, WriterPrompt, writer_prompt
from instructzero.prompts.writer_texts import demonstrations, local_text, request_frame

__all__ = [
    "CUE",
    "DEFAULT",
    "RESERVED",
    "SOFT_PROMPT_MARK",
    "PromptTemplate",
    "WriterPrompt",
    "columns_shown",
    "demonstrations",
    "input_names",
    "local_text",
    "renderer",
    "request_frame",
    "template_of",
    "writer_prompt",
    "zero_shot",
]
