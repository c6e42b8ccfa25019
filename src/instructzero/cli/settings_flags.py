"""One flag for each setting of a run, made from the fields of `Settings`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from instructzero.cli.options import braced, completion, method_names, task_names
from instructzero.config import Settings, metadata_of, panel_of

_FORMS = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}


def flags_of_settings(command: Callable[..., None], names: Iterable[str] = ()) -> Callable[..., None]:
    """Return ``command`` with one optional flag for each setting, or for each of those ``names``.

    Only flags that were given reach the command, as keywords and as text.
    """

    def wrapped(**given: Any) -> None:
        command(**{name: value for name, value in given.items() if value is not None})

    own = {name: found for name, found in inspect.signature(command).parameters.items() if name != "given"}
    hints = inspect.get_annotations(command, eval_str=True)
    parameters = [*own.values(), *map(_flag, names or Settings.model_fields)]
    typed = [
        parameter.replace(
            kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints.get(parameter.name, parameter.annotation)
        )
        for parameter in parameters
    ]
    wrapped.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in typed}
    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    return wrapped


def choices_of(name: str) -> tuple[str, ...]:
    """Return the possible values of a setting, or nothing where they are not a closed set.

    >>> choices_of("placement"), choices_of("racing"), choices_of("seed")
    (('front', 'user_turn', 'after_exemplars'), ('yes', 'no'), ())
    """
    if name == "method":
        return method_names()
    kind = _type_of(name)
    if get_origin(kind) is Literal:
        return get_args(kind)
    return ("yes", "no") if kind is bool else ()


def form_of(name: str) -> str:
    """Return the form of a setting's value in the help.

    >>> form_of("racing"), form_of("max_calls"), form_of("timeout")
    ('{yes,no}', 'N', 'SECONDS')
    """
    choices = choices_of(name)
    return str(metadata_of(name)["form"] or (braced(choices) if choices else _FORMS[_type_of(name)]))


def _flag(name: str) -> inspect.Parameter:
    """Return the flag of one setting; its text is checked by `Settings`, as that of YAML and Python is."""
    field = Settings.model_fields[name]
    default = "" if field.is_required() or field.default in (None, ()) else f" (default: {field.default})"
    names = task_names if name == "task" else lambda: choices_of(name)
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{default}",
        rich_help_panel=panel_of(name),
        metavar=form_of(name),
        autocompletion=completion(names) if name == "task" or choices_of(name) else None,
        show_default=False,
    )
    kind = list[str] if _type_of(name) is tuple else str
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _type_of(name: str) -> Any:
    """Return the type of a setting's value, without None and without constraints."""
    kind = Settings.model_fields[name].annotation
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is tuple:
        return tuple
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind
