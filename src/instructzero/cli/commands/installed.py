"""The commands about the installation: ``tasks``, ``methods``, ``models`` and ``doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from instructzero.cli.options import completion, task_names


def tasks_command(
    name: Annotated[
        str | None, typer.Argument(autocompletion=completion(task_names), help="task whose examples are shown")
    ] = None,
) -> None:
    """List the built-in tasks, or show examples of one."""
    from instructzero.cli.inventory import print_task, print_tasks

    if name is None:
        print_tasks()
    else:
        print_task(name)


def methods_command() -> None:
    """List the search methods."""
    from instructzero.cli.inventory import print_methods

    print_methods()


def models_command() -> None:
    """List the forms of model names, and the embedded models."""
    from instructzero.cli.inventory import print_models

    print_models()


def doctor_command(
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="also check this OpenAI-compatible endpoint")
    ] = None,
) -> None:
    """Check the installation, the embedded models and the environment; exit code 1 if a check fails."""
    from instructzero.cli.doctor import print_findings

    if not print_findings(base_url):
        raise SystemExit(1)
