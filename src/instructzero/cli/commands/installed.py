"""The commands about the installation: ``tasks``, ``methods``, ``models`` and ``doctor``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

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


ASKED = (
    "blackbox",
    "base_url",
    "key_env",
    "header",
    "extra_body",
    "blackbox_template",
    "answer_tokens",
    "temperature",
    "concurrency",
    "timeout",
    "judge",
    "judge_url",
    "judge_key_env",
    "judge_header",
    "judge_extra_body",
    "judge_timeout",
    "judge_tokens",
    "writer",
    "writer_url",
    "writer_key_env",
    "writer_header",
    "writer_extra_body",
    "writer_timeout",
    "writer_template",
    "instruction_tokens",
    "input_price",
    "output_price",
    "cached_price",
    "reasoning_price",
    "judge_input_price",
    "judge_output_price",
    "writer_input_price",
    "writer_output_price",
    "device",
    "dtype",
)
"""The settings of a run that say how its models are asked: the flags of ``doctor``."""


def doctor_command(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file of settings; flags take precedence over it")
    ] = None,
    **given: Any,
) -> None:
    """Check the installation, and the models that are named: black box, judge and writer.

    Each model behind an API is asked one real question and then four short ones at once, which its service may bill.
    Without a model nothing is paid. Exit code 1 if a check fails.
    """
    from instructzero.cli.doctor.findings import print_findings
    from instructzero.cli.doctor.installation import examine_installation
    from instructzero.cli.doctor.roles import examine_roles
    from instructzero.cli.doctor.settings import settings_of

    settings = settings_of(given, config, os.environ)
    passed = print_findings(examine_installation())
    if not print_findings(examine_roles(settings)) or not passed:
        raise SystemExit(1)
