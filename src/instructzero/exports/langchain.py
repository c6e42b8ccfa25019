"""Export of a run as a LangChain prompt template and model."""

from __future__ import annotations

from collections.abc import Callable

from instructzero.exports.asking import Asking
from instructzero.exports.names import reading, safe_names
from instructzero.prompts.fields import escaped
from instructzero.prompts.template import INPUT, INSTRUCTION


def langchain_program(asking: Asking) -> str:
    """Return a LangChain program: the messages of the run as ``prompt``, and ``chain()``, which asks the run's model.

    Without a known model, ``chain()`` returns the prompt only.
    """
    names = safe_names(asking.prompt.fields or (INPUT,))
    imported, model = _model(asking)
    modules = ["json"] * (not asking.prompt.takes_text) + ["os"] * ("os.environ" in model) + ["sys"]
    template = "ChatPromptTemplate" if asking.chat else "PromptTemplate"

    def field(name: str) -> str:
        return escaped(asking.instruction) if name == INSTRUCTION else f"{{{names[name]}}}"

    return f'''"""The messages that instructzero found, as a LangChain prompt template.

Answer an input with: chain().invoke({{{", ".join(f'"{name}": ...' for name in names.values())}}})
"""

{"".join(f"import {module}" + chr(10) for module in modules)}
from langchain_core.prompts import {template}
{imported}
prompt = {_template(asking, field)}


def chain():
    """Return the prompt, followed by the model of the run."""
    return {model}


if __name__ == "__main__":
    found = chain().invoke({reading(names)})
    print(getattr(found, "content", found))
'''


def _template(asking: Asking, field: Callable[[str], str]) -> str:
    """Return the expression of the prompt; literal braces are doubled, as in LangChain's own templates."""
    contents = [(turn.role, turn.written(field, escaped)) for turn in asking.prompt.turns]
    if not asking.chat:
        whole = "\n\n".join(content for _, content in contents)
        return f"PromptTemplate.from_template({whole!r})"
    lines = "".join(f"        ({role!r}, {content!r}),\n" for role, content in contents)
    return f"ChatPromptTemplate.from_messages(\n    [\n{lines}    ]\n)"


def _model(asking: Asking) -> tuple[str, str]:
    """Return the import of the model's class, and the expression of the chain."""
    if asking.kind not in _CLASSES:
        return "", "prompt  # and your model: prompt | model"
    package, name, variable = _CLASSES[asking.kind]
    name = name if asking.chat else "OpenAI"
    own = "" if asking.official else f'base_url={asking.endpoint!r}, api_key=os.environ.get({variable!r}) or "none", '
    arguments = f"model={asking.model!r}, {own}{_limit(asking)}, temperature={asking.temperature!r}"
    return f"from {package} import {name}\n", f"prompt | {name}({arguments})"


def _limit(asking: Asking) -> str:
    """Return the maximum tokens: ChatOpenAI sends ``max_tokens`` under a name that other servers may not know."""
    is_renamed = asking.kind == "openai" and asking.chat and not asking.official
    return f'extra_body={{"max_tokens": {asking.max_tokens}}}' if is_renamed else f"max_tokens={asking.max_tokens}"


_CLASSES = {
    "openai": ("langchain_openai", "ChatOpenAI", "OPENAI_API_KEY"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic", "ANTHROPIC_API_KEY"),
}
