"""The user's own prompt of the writer: its fields, and what it may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from instructzero.errors import ConfigurationError, nearest
from instructzero.prompts.fields import canonical, fill, names_in
from instructzero.types import Example

_TASK = "The task: "  # as the requests begin that hold the description themselves
EXAMPLES, DESCRIPTION, SOFT_PROMPT, REQUEST = "examples", "description", "soft_prompt", "request"


def demonstrations(exemplars: Sequence[Example]) -> str:
    """Return the exemplars as text, with their first accepted answers, separated by blank lines."""
    return "\n\n".join(f"Input: {exemplar.input}\nOutput: {exemplar.outputs[0]}" for exemplar in exemplars)


def local_text(text: str, description: str) -> str:
    """Return the canonical text of a local writer's prompt.

    Parameters
    ----------
    text
        The user's text with ``{examples}``, ``{description}`` and ``{soft_prompt}``.
    description
        The task in the user's words; "" if there is none.

    Raises
    ------
    ConfigurationError
        If a field is unknown, has nothing to show, or is missing.
    """
    checked = canonical(text)
    _check_fields(checked, (EXAMPLES, DESCRIPTION, SOFT_PROMPT), description)
    names = names_in(checked)
    if names.count(SOFT_PROMPT) > 1:
        raise ConfigurationError(
            "expected {soft_prompt} at most once in --writer-prompt, got it more often; leave one where it belongs"
        )
    if not {EXAMPLES, DESCRIPTION} & set(names):
        raise ConfigurationError(
            "expected {examples} in --writer-prompt, or {description} together with --task-description, got neither; "
            "put them where they belong"
        )
    if description and DESCRIPTION not in names:
        raise ConfigurationError(
            "expected {description} in --writer-prompt, because there is a --task-description, got a text without it; "
            "put it where it belongs, or leave --task-description out"
        )
    return checked


def request_frame(text: str | None, exemplars: Sequence[Example], description: str) -> Callable[[str], str]:
    r"""Return a function that puts a request to a writer behind an API into the user's words.

    Parameters
    ----------
    text
        The user's text with ``{request}``, and with ``{examples}`` and ``{description}`` if it repeats them; None
        sends the requests after the description, unless they begin with it.
    exemplars
        The examples that the writer sees.
    description
        The task in the user's words; "" if there is none.

    Raises
    ------
    ConfigurationError
        If a field is unknown or has nothing to show, or there is no ``{request}``.

    >>> request_frame("You write for children.\n\n{request}", (), "")("Say it in other words.")
    'You write for children.\n\nSay it in other words.'
    """
    if text is None:
        return lambda request: _described(request, description)
    checked = canonical(text)
    if SOFT_PROMPT in names_in(checked):
        raise ConfigurationError(
            "expected no {soft_prompt} in --writer-prompt, because a writer behind an API takes none; leave it out"
        )
    _check_fields(checked, (REQUEST, EXAMPLES, DESCRIPTION), description)
    if REQUEST not in names_in(checked):
        raise ConfigurationError(
            "expected {request} in --writer-prompt, where the requests to a writer behind an API go, got a text "
            "without it; put it where it belongs"
        )
    known = {EXAMPLES: demonstrations(exemplars), DESCRIPTION: description}
    return lambda request: fill(checked, lambda name: request if name == REQUEST else known[name])


def _described(request: str, description: str) -> str:
    if not description or request.startswith(_TASK):
        return request
    return f"{_TASK}{description}\n\n{request}"


def _check_fields(text: str, known: Sequence[str], description: str) -> None:
    names = names_in(text)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {{{near}}}?" if near else f"write {{{{{name}}}}} for a text in braces"
            raise ConfigurationError(
                f"expected no other fields in --writer-prompt than {', '.join(f'{{{one}}}' for one in known)}, got "
                f"{{{name}}}; {hint}"
            )
    if DESCRIPTION in names and not description:
        raise ConfigurationError(
            "expected a --task-description for {description} in --writer-prompt, got none; give it, or leave the "
            "field out"
        )
