"""The command ``bench``."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from instructzero.cli.commands.run import INTERRUPTED
from instructzero.cli.options import ENGINES, FIGURES, LogTo, Plain, choice, completion, method_names, task_names


def bench_command(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file with the flags below as keys; flags take precedence")
    ] = None,
    paper: Annotated[str | None, choice(FIGURES, help="reproduce a figure or table of the paper")] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            metavar="TASK,...",
            autocompletion=completion(task_names),
            help="names or files, separated by commas, or all",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD,...",
            autocompletion=completion(method_names),
            help="names, separated by commas ('instructzero methods' lists them)",
        ),
    ] = None,
    budgets: Annotated[
        str | None,
        typer.Option(metavar="N,...", help="black-box calls, separated by commas (default: 1000,3000)"),
    ] = None,
    seeds: Annotated[str | None, typer.Option(metavar="N", help="number of seeds (default: 3)")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="setting of every run; may be repeated"),
    ] = None,
    engine: Annotated[str | None, choice(ENGINES, help="where the runs are executed (default: processes)")] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="parallel runs (default: number of processors)")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="folder of the runs and the report (default: runs/bench)")
    ] = None,
    plain: Plain = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print only the path of the report, no progress")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print the rankings as one JSON object; progress goes to standard error")
    ] = False,
    log_to: LogTo = None,
) -> None:
    """Compare search methods over tasks and seeds. Repeat the command to run only what is missing."""
    from rich.console import Console

    from instructzero.bench.command import bench, settings_of
    from instructzero.bench.watching import watching
    from instructzero.models.stopping import working
    from instructzero.terminal import log_line

    keys: dict[str, object] = {"tasks": tasks, "methods": methods, "budgets": budgets, "seeds": seeds}
    keys |= {"settings": settings_of(setting) if setting else None, "engine": engine, "workers": workers, "out": out}
    keys["log_to"] = log_to
    given = {name: value for name, value in keys.items() if value is not None}
    console = Console(highlight=False, stderr=as_json)

    def say(line: str) -> None:
        if not quiet:
            log_line(console, line)

    try:
        with working():
            done = bench(file, given, paper, say, watching(console, say, plain=plain, quiet=quiet))
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be closed
            print(
                "\ninstructzero: stopped; all paid answers are stored; repeat the command to continue", file=sys.stderr
            )
        raise SystemExit(INTERRUPTED) from None
    from instructzero.bench.summary import print_summary, to_dict

    if as_json:
        print(json.dumps(to_dict(done.cells, done.out), indent=2))
    elif quiet:
        print(done.out / "report.html")
    else:
        print_summary(console, done.cells, done.out, done.written)
