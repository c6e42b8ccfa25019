"""The command line: run, resume, bench, report, watch, calls, compare, export, tasks, models, doctor."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from instructzero import __version__
from instructzero.config import Settings, load_yaml, make_settings, panel_of
from instructzero.errors import InstructZeroError

if TYPE_CHECKING:
    from instructzero.records.observers import Observer
    from instructzero.records.result import Result

REFUSED = 2
"""The exit code after an error that was raised on purpose, as after a wrong flag."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

Plain = Annotated[bool, typer.Option("--plain", help="lines for a log instead of the live display")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress, and nothing but the best instruction at the end")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output; progress goes to stderr")]
LogTo = Annotated[
    list[str] | None, typer.Option(help="also log scores to tensorboard, mlflow or wandb; may be repeated")
]

app = typer.Typer(
    name="instructzero",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"instructzero {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Find the best instruction for a black-box LLM."""


def main() -> None:
    """The entry point: every error raised on purpose becomes one sentence and exit code 2."""
    try:
        app()
    except InstructZeroError as error:
        print(f"instructzero: {error}", file=sys.stderr)
        raise SystemExit(REFUSED) from None


def _flags_of_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` one optional flag for each setting; only flags that were given reach it, as keywords."""

    def wrapped(**given: Any) -> None:
        command(**{name: value for name, value in given.items() if value is not None})

    own = {name: each for name, each in inspect.signature(command).parameters.items() if name != "given"}
    flags = {name: _flag(name) for name in Settings.model_fields}
    parameters = [*own.values(), *flags.values()]
    keyword_only = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    hints = inspect.get_annotations(command, eval_str=True)
    typed = [each.replace(annotation=hints.get(each.name, each.annotation)) for each in keyword_only]
    wrapped.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in typed}
    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    return wrapped


def _flag(name: str) -> inspect.Parameter:
    """The flag of one setting. Its text is checked by `Settings`, which words the errors for YAML and Python too."""
    field = Settings.model_fields[name]
    default = "" if field.is_required() or field.default is None else f" (default: {field.default})"
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{default}",
        rich_help_panel=panel_of(name),
        metavar=name.rpartition("_")[2].upper(),
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )


@app.command("run")
@_flags_of_settings
def run_command(
    config: Annotated[Path | None, typer.Option(help="YAML file of settings; flags win over it")] = None,
    out: Annotated[Path | None, typer.Option(help="run directory (default: runs/TASK-METHOD-SEED)")] = None,
    plain: Plain = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it will take, pay nothing, and stop")] = False,
    log_to: LogTo = None,
    **given: Any,
) -> None:
    """Find an instruction. Run again with the same settings, it continues where it stopped."""
    from instructzero.api import default_directory, resolve_paths, run_settings

    settings = make_settings({**(load_yaml(config) if config else {}), **given})
    if dry_run:
        from instructzero.estimate import estimate

        estimated = estimate(resolve_paths(settings))
        print(json.dumps(asdict(estimated), indent=2) if as_json else "\n".join(estimated.lines()))
        return
    directory = out or default_directory(settings)
    shown = Shown(plain, quiet, as_json)
    _watched(lambda observer: run_settings(settings, directory, observer), settings, directory, shown, log_to)


@app.command("resume")
def resume_command(
    directory: Annotated[Path, typer.Argument(help="the directory of a run")],
    plain: Plain = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    log_to: LogTo = None,
) -> None:
    """Continue a stopped run to its end, without repeating a paid call."""
    from instructzero.api import run_settings
    from instructzero.records.directory import RunDirectory

    settings = RunDirectory.read_settings(directory)
    shown = Shown(plain, quiet, as_json)
    _watched(lambda observer: run_settings(settings, directory, observer), settings, directory, shown, log_to)


@app.command("bench")
def bench_command(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file with the keys that the flags below are named like")
    ] = None,
    paper: Annotated[str | None, typer.Option(help="a figure of the paper: fig1, fig4, fig5, fig6 or table1")] = None,
    tasks: Annotated[str | None, typer.Option(help="names or files, between commas, or all")] = None,
    methods: Annotated[
        str | None, typer.Option(help="names between commas (instructzero run --help lists them)")
    ] = None,
    budgets: Annotated[str | None, typer.Option(help="black-box calls, between commas (default: 1000,3000)")] = None,
    seeds: Annotated[str | None, typer.Option(help="how many (default: 3)")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a setting of every run; may be repeated")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="processes (default), ray or slurm")] = None,
    workers: Annotated[str | None, typer.Option(help="runs at once (default: one a processor)")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the runs and the report (default: runs/bench)")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="no progress, and nothing but the report's path")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="the rankings as one JSON object; progress on stderr")
    ] = False,
) -> None:
    """Compare methods over tasks and seeds. Run again, it does what is missing and repeats no paid call."""
    from rich.console import Console

    from instructzero.bench.command import bench, settings_of
    from instructzero.terminal import log_line

    keys: dict[str, object] = {"tasks": tasks, "methods": methods, "budgets": budgets, "seeds": seeds}
    keys |= {"settings": settings_of(setting) if setting else None, "engine": engine, "workers": workers, "out": out}
    given = {name: value for name, value in keys.items() if value is not None}
    console = Console(highlight=False, stderr=as_json)
    try:
        done = bench(file, given, paper, lambda line: None if quiet else log_line(console, line))
    except KeyboardInterrupt:
        print("\ninstructzero: stopped; everything paid is kept, run the same again to continue", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    from instructzero.bench.summary import print_summary, to_dict

    if as_json:
        print(json.dumps(to_dict(done.cells, done.out), indent=2))
    elif quiet:
        print(done.out / "report.html")
    else:
        print_summary(console, done.cells, done.out, done.written)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run shows: lines instead of the live display, nothing but the instruction, JSON instead of words."""

    plain: bool
    quiet: bool
    as_json: bool


def _watched(
    run: Callable[[Observer], Result], settings: Settings, directory: Path, shown: Shown, log_to: list[str] | None
) -> None:
    """Run with a display, then print the result; on Ctrl-C say how to go on."""
    from rich.console import Console

    from instructzero.build import build_prices
    from instructzero.cli.summary import print_summary
    from instructzero.integrations.fan_out import logging_to
    from instructzero.progress import progress_on
    from instructzero.terminal import write

    if not shown.quiet:
        _warn_of_unknown_task(settings)
    console = Console(highlight=False, stderr=shown.as_json)
    prices = build_prices(settings)
    progress = progress_on(console, prices, plain=shown.plain, quiet=shown.quiet)
    try:
        with progress as display, logging_to(log_to or (), display, settings, directory) as observer:
            result = run(observer)
    except KeyboardInterrupt:
        print(
            f"\ninstructzero: stopped; everything paid is kept, continue with 'instructzero resume {directory}'",
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
    """The embedded black box answers what it was taught and nothing else: the built-in tasks."""
    from instructzero.tasks import builtin_names

    if settings.blackbox == "embedded:blackbox" and (settings.data_dir or settings.task not in builtin_names()):
        print(
            f"note: the embedded black box does not know the task {settings.task}, only those that 'instructzero "
            "tasks' lists; name another one with --blackbox",
            file=sys.stderr,
        )


@app.command("report")
def report_command(
    directory: Annotated[Path, typer.Argument(help="the directory of a run, also of one that has not ended")],
    show: Annotated[bool, typer.Option("--open", help="open the page in the browser")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print nothing but the page's path")] = False,
) -> None:
    """Write report.html: what a run found and how sure that is, in one page that opens offline."""
    from instructzero.report import write_report

    path = write_report(directory)
    print(path)
    if not quiet and not show:
        print("note: it opens in a browser, offline; with --open, at once", file=sys.stderr)
    if show:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


@app.command("watch")
def watch_command(
    directories: Annotated[list[Path], typer.Argument(help="the directories of runs, also of such as will begin")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="where to serve (default: a free port)")] = 0,
    show: Annotated[bool, typer.Option("--open", help="open the page in the browser")] = False,
) -> None:
    """Show the report of runs while they go on, on a page that follows them; Ctrl-C ends it."""
    from instructzero.watch.command import watch

    with contextlib.suppress(KeyboardInterrupt):
        watch(directories, port=port, show=show)


@app.command("calls")
def calls_command(
    path: Annotated[Path, typer.Argument(help="the directory of a run, or a call store")],
    export: Annotated[str | None, typer.Option(help="write the calls as JSON lines to this file; - for here")] = None,
    run: Annotated[str | None, typer.Option(help="only what this run paid for: the beginning of its name")] = None,
    grep: Annotated[str | None, typer.Option(help="only calls with this text, and show them")] = None,
) -> None:
    """Show what a call store holds and who paid for it."""
    from instructzero.cli.calls import print_calls

    print_calls(path, export=export, run=run, grep=grep)


@app.command("compare")
def compare_command(
    directories: Annotated[list[Path], typer.Argument(help="the directories of two or more finished runs")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Compare finished runs on the same test examples: is the instruction of one really better?"""
    from instructzero.cli.comparison_table import print_comparison

    print_comparison(directories, as_json=as_json)


@app.command("export")
def export_command(
    directory: Annotated[Path, typer.Argument(help="the directory of a finished run; figures also of another one")],
    form: Annotated[
        str, typer.Option("--format", help="txt, json, csv (trials), scores, python, curl, dspy or figures")
    ],
    out: Annotated[
        str, typer.Option(help="the file to write; - for here; of figures the folder (default: in the run's)")
    ] = "-",
) -> None:
    """Write what a run found in the form of your choice, such as a script that answers new inputs."""
    from instructzero.exports.command import export_run

    export_run(directory, form, out)


@app.command("tasks")
def tasks_command(
    name: Annotated[str | None, typer.Argument(help="show this task's examples")] = None,
) -> None:
    """List the built-in tasks, or show one."""
    from instructzero.cli.inventory import print_task, print_tasks

    if name is None:
        print_tasks()
    else:
        print_task(name)


@app.command("models")
def models_command() -> None:
    """List the embedded models and how to name others."""
    from instructzero.cli.inventory import print_models

    print_models()


@app.command("doctor")
def doctor_command(
    base_url: Annotated[str | None, typer.Option(help="also ask this OpenAI-compatible endpoint")] = None,
) -> None:
    """Check the installation, the embedded models and the environment; exit code 1 when something fails."""
    from instructzero.cli.doctor import print_findings

    if not print_findings(base_url):
        raise SystemExit(1)
