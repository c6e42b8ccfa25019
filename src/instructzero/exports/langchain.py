"""Export of a run as a LangChain prompt template and model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from instructzero.exports.access import deployment_of
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
    package, name = _CLASSES[asking.kind]
    name = name if asking.chat else "OpenAI"
    if asking.access.in_header:
        name = f"Azure{name}"
    arguments = ", ".join((f"model={asking.model!r}", *_place(asking), *_request(asking)))
    return f"from {package} import {name}\n", f"prompt | {name}({arguments})"


def _place(asking: Asking) -> Iterator[str]:
    """Yield the arguments of the address, the key and the headers."""
    access = asking.access
    resource, deployment = deployment_of(asking.endpoint)
    if access.in_header:
        yield (
            f"azure_endpoint={resource!r}, azure_deployment={deployment!r}"
            if resource
            else f"base_url={asking.endpoint!r}"
        )
        yield f"api_version={access.version!r}"
    elif not asking.official:
        yield f"base_url={asking.endpoint!r}"
    if access.in_header or access.named:
        yield f"api_key=os.environ[{access.variable!r}]"
    elif not asking.official:
        yield f'api_key=os.environ.get({access.variable!r}) or "none"'
    if access.query and not access.in_header:
        yield f"default_query={dict(access.query)!r}"
    if access.headers:
        items = ", ".join(f"{header.name!r}: {header.expression}" for header in access.headers)
        yield f"default_headers={{{items}}}"


def _request(asking: Asking) -> Iterator[str]:
    """Yield the arguments of the parameters: ChatOpenAI sends ``max_tokens`` under a name that servers may not know."""
    fields = dict(asking.access.extra_body)
    if asking.kind == "openai" and asking.chat and not asking.official:
        fields = {"max_tokens": asking.max_tokens, **fields}
    else:
        yield f"max_tokens={asking.max_tokens}"
    if fields:
        yield f"{'extra_body' if asking.kind == 'openai' else 'model_kwargs'}={fields!r}"
    yield f"temperature={asking.temperature!r}"


_CLASSES = {
    "openai": ("langchain_openai", "ChatOpenAI"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic"),
}
