"""The commands ``run`` and ``resume``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from instructzero.cli.options import AsJson, LogTo, Plain, Quiet
from instructzero.config import Settings

if TYPE_CHECKING:
    from instructzero.records.observers import Observer
    from instructzero.records.result import Result

INTERRUPTED = 130
"""The exit code after Ctrl-C, as in a shell; `Stop` has that of other signals."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The output of a run: ``plain`` log lines, the instruction alone (``quiet``), or one JSON object (``as_json``)."""

    plain: bool
    quiet: bool
    as_json: bool


def run_command(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="YAML file of settings; flags take precedence over it, and it over INSTRUCTZERO_... variables",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="run directory (default: runs/TASK-METHOD-SEED, and the names of models)"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="begin the run in the directory anew; its stored answers are reused")
    ] = False,
    plain: Plain = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="estimate calls, tokens, cost and time, and stop before any paid call")
    ] = False,
    log_to: LogTo = None,
    **given: Any,
) -> None:
    """Find the best instruction for a task. Repeat the command to resume a stopped run."""
    begun = time.monotonic()  # the limit of time counts the imports, too
    from instructzero.api import resolve_paths
    from instructzero.checks import check_writer_is_named
    from instructzero.cli.run_settings import read_run_settings
    from instructzero.cli.ways_on import naming_commands
    from instructzero.records.places import default_directory

    asked = read_run_settings(given, config, out, os.environ)
    if not quiet:
        for warning in asked.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    check_writer_is_named(asked.settings, _as_command)
    settings = resolve_paths(asked.settings)
    if dry_run:
        _print_estimate(settings, as_json)
        return
    with naming_commands(sys.argv[1:]):
        directory = asked.out or default_directory(settings)
        _search(settings, directory, Shown(plain, quiet, as_json), log_to, begun, overwrite)


def resume_command(
    directory: Annotated[Path, typer.Argument(help="directory of a run")],
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="run the code and ask the hosts that its settings name, although it was begun elsewhere"
        ),
    ] = False,
    plain: Plain = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    log_to: LogTo = None,
) -> None:
    """Continue a stopped run, without repeating a paid call."""
    from instructzero.cli.trust import confirm_origin
    from instructzero.cli.ways_on import naming_commands
    from instructzero.records.directory import RunDirectory

    settings = RunDirectory.read_settings(directory)
    if not trust:
        confirm_origin(RunDirectory(directory), settings)
    begun = time.monotonic()
    with naming_commands(("run", "--config", str(directory / "settings.yaml"), "--out", str(directory))):
        _search(settings, directory, Shown(plain, quiet, as_json), log_to, begun)


def _as_command(settings: Mapping[str, str]) -> str:
    """Return this command with further settings as flags."""
    from instructzero.cli.ways_on import command_line

    further = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
    return command_line([*sys.argv[1:], *further])


def _print_estimate(settings: Settings, as_json: bool) -> None:
    from instructzero.estimate import estimate

    estimated = estimate(settings)
    print(json.dumps(asdict(estimated), indent=2) if as_json else "\n".join(estimated.lines()))


def _search(
    settings: Settings,
    directory: Path,
    shown: Shown,
    log_to: list[str] | None,
    begun: float,
    overwrite: bool = False,
) -> None:
    from instructzero.api import run_settings

    def search(observer: Observer) -> Result:
        return run_settings(settings, directory, observer, overwrite=overwrite, begun=begun)

    _with_display(search, settings, directory, shown, log_to)


def _with_display(
    search: Callable[[Observer], Result], settings: Settings, directory: Path, shown: Shown, log_to: list[str] | None
) -> None:
    """Search with a display, then print the result; after a signal that ends it, print how to continue."""
    from rich.console import Console

    from instructzero.cli.summary import print_summary
    from instructzero.cli.ways_on import command_line
    from instructzero.integrations.logging import logging_to
    from instructzero.models.stopping import working
    from instructzero.pricing import role_prices
    from instructzero.progress import progress_on
    from instructzero.terminal import write

    if not shown.quiet:
        _warn_of_unknown_task(settings)
    console = Console(highlight=False, stderr=shown.as_json)
    prices = role_prices(settings)
    progress = progress_on(console, prices, plain=shown.plain, quiet=shown.quiet)
    try:
        with working(), progress as display, logging_to(log_to or (), display, settings, directory) as observer:
            result = search(observer)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be closed
            print(
                "\ninstructzero: stopped; all paid answers are stored; continue with "
                f"'{command_line(['resume', str(directory)])}'",
                file=sys.stderr,
            )
        raise SystemExit(INTERRUPTED) from None
    if shown.as_json:
        print(json.dumps({"directory": str(directory), **result.to_dict()}, indent=2))
    elif shown.quiet:
        write(f"{result.instruction}\n")
    else:
        print_summary(console, result, directory, prices, display)


def _warn_of_unknown_task(settings: Settings) -> None:
    """Warn of a task on which the embedded black box was not trained: it can do the built-in tasks only."""
    from instructzero.tasks import builtin_names

    if settings.blackbox == "embedded:blackbox" and (settings.data_dir or settings.task not in builtin_names()):
        print(
            f"warning: the embedded black box does not know the task {settings.task}; it knows only the tasks that "
            "'instructzero tasks' lists; choose another one with --blackbox",
            file=sys.stderr,
        )
