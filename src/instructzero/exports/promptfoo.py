"""Export of a run as a ``promptfooconfig.yaml``: the messages, the model, and the test examples with assertions.

Promptfoo renders texts as nunjucks templates and reads values that begin with ``file://`` from files. In the messages,
literal braces that could open a tag are escaped. Test examples with such texts are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from instructzero.exports.access import Access, deployment_of
from instructzero.exports.asking import Asking
from instructzero.exports.names import safe_names
from instructzero.exports.prompt import values_of
from instructzero.exports.promptfoo_checks import KNOWN, check
from instructzero.models.base import join_contents
from instructzero.prompts.template import INPUT, INSTRUCTION
from instructzero.tasks import Metric
from instructzero.types import Example, Message

_TAG = re.compile(r"\{(?=[{%#]|\Z)|#(?=\}|\Z)")  # at the end of a text, a field or another text follows
_LOADED = re.compile(r"(file|package)://|package:|.*(\{[{%#]|#\})|.*\n\Z", re.DOTALL)
_HEAD = """# Run it with: npx promptfoo eval
# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json
"""


def promptfoo_config(asking: Asking, tests: Sequence[Example], metric: str, bound: Metric | None = None) -> str:
    """Return the configuration.

    Parameters
    ----------
    asking
        The instruction and the way in which it is asked.
    tests
        The examples to test with.
    metric
        The specification of the metric of the run. One assertion for all tests is the closest one of promptfoo.
    bound
        The metric itself, which knows the labels of all examples of the run; None for those of ``tests``.
    """
    names = safe_names(asking.prompt.fields or (INPUT,))
    kept = [example for example in tests if not _is_read(example, names)]
    assertion = {"type": "javascript", "value": check(metric, bound)}
    content = {
        "description": "The instruction that instructzero found",
        "prompts": [_prompt(asking, names)],
        "providers": [_provider(asking)],
        "defaultTest": {"assert": [assertion]},
        "tests": [_test(example, names) for example in kept],
    }
    return _HEAD + "".join(_remarks(asking, tests, kept, metric)) + _dumped(content)


def _prompt(asking: Asking, names: Mapping[str, str]) -> str:
    """Return the prompt as a JSON chat, whose texts promptfoo renders one by one, or as a text."""

    def field(name: str) -> str:
        return _escaped(asking.instruction) if name == INSTRUCTION else f"{{{{{names[name]}}}}}"

    turns = [Message(turn.role, turn.written(field, _escaped)) for turn in asking.prompt.turns]
    if not asking.chat:
        return join_contents(turns)
    chat = [{"role": turn.role, "content": turn.content} for turn in turns]
    dumped = json.dumps(chat, indent=2, ensure_ascii=False)
    return (dumped if _is_printable(dumped) else json.dumps(chat, indent=2)) + "\n"


def _escaped(text: str) -> str:
    """Return a text that nunjucks renders as it is."""
    return _TAG.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def _provider(asking: Asking) -> dict[str, Any]:
    config: dict[str, Any] = {"temperature": asking.temperature, asking.limit: asking.max_tokens}
    form = _PROVIDERS.get(asking.kind, "openai:chat:YOUR-MODEL") if asking.chat else "openai:completion:{}"
    if asking.kind not in _PROVIDERS:
        return {"id": form.format(asking.model), "config": config}
    if not asking.official:
        config["apiBaseUrl"] = asking.endpoint
    resource, deployment = deployment_of(asking.endpoint)
    if is_azure := asking.access.in_header and bool(resource):
        config |= {"apiBaseUrl": resource, "apiVersion": asking.access.version}
    name = f"azure:{'chat' if asking.chat else 'completion'}:{deployment}" if is_azure else form.format(asking.model)
    return {"id": name, "config": config | _access(asking.access)}


def _access(access: Access) -> dict[str, Any]:
    """Return the configuration of the key, the headers and the further fields."""
    headers = {
        header.name: _escaped(header.text) + (f"{{{{env.{header.variable}}}}}" if header.variable else "")
        for header in access.headers
    }
    return {
        **({"apiKeyEnvar": access.variable} if access.named or access.in_header else {}),
        **({"headers": headers} if headers else {}),
        **({"passthrough": dict(access.extra_body)} if access.extra_body else {}),
    }


_PROVIDERS = {"openai": "openai:chat:{}", "anthropic": "anthropic:messages:{}"}


def _remarks(asking: Asking, tests: Sequence[Example], kept: Sequence[Example], metric: str) -> Iterator[str]:
    yield f"# The assertion is the closest one to the metric of the run, {json.dumps(metric)}.\n"
    if metric.partition(":")[0] not in KNOWN:
        yield "# Promptfoo has none like it: an answer passes if it is equal to an accepted one.\n"
    if asking.kind not in _PROVIDERS:
        yield "# Set your model under providers: that of the run is not behind an API.\n"
    elif not asking.official:
        yield "# Promptfoo wants an API key also for a server without keys: set the variable to any text.\n"
    if asking.access.query and not deployment_of(asking.endpoint)[0]:
        yield "# Promptfoo sends no query: it needs another address than the run had.\n"
    if not tests:
        yield "# The test examples of the run are not available here: add tests of your own.\n"
    if len(kept) < len(tests):
        yield f"# {len(tests) - len(kept)} test examples are left out: promptfoo would change their texts.\n"


def _is_read(example: Example, names: Mapping[str, str]) -> bool:
    """Return True if promptfoo would change a text of the input of an example, or load it from a file."""
    return any(_LOADED.match(text) for text in values_of(example, names).values())


def _test(example: Example, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a test; promptfoo neither renders nor loads its metadata, so any answer can stand there."""
    values = values_of(example, names)
    return {
        "vars": {name: values[field] for field, name in names.items()},
        "metadata": {"answers": list(example.outputs)},
    }


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    is_block = "\n" in text and _is_printable(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else None)


def _is_printable(text: str) -> bool:
    """Return True if the only control characters are line feeds: YAML's blocks change other line breaks."""
    return text.replace("\n", "").isprintable()


_Dumper.add_representer(str, _text)


def _dumped(content: Mapping[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
