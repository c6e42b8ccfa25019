"""The command line: the commands by name, and the exit code of an error."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from instructzero import __version__
from instructzero.cli.commands import bench, init, installed, results, run
from instructzero.cli.settings_flags import flags_of_settings
from instructzero.errors import InstructZeroError
from instructzero.terminal import printable

REFUSED = 2
"""The exit code after an error that was raised on purpose, as after a wrong flag."""

app = typer.Typer(
    name="instructzero",
    no_args_is_help=True,
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


app.command("init")(init.init_command)
app.command("run")(flags_of_settings(run.run_command))
app.command("resume")(run.resume_command)
app.command("bench")(bench.bench_command)
app.command("report")(results.report_command)
app.command("watch")(results.watch_command)
app.command("calls")(results.calls_command)
app.command("compare")(results.compare_command)
app.command("export")(results.export_command)
app.command("tasks")(installed.tasks_command)
app.command("methods")(installed.methods_command)
app.command("models")(installed.models_command)
app.command("doctor")(flags_of_settings(installed.doctor_command, installed.ASKED))


def main() -> None:
    """Run the command line; an error raised on purpose becomes one sentence and exit code 2."""
    try:
        app()
    except InstructZeroError as error:
        message = "\n".join(map(printable, str(error).split("\n")))  # a server may have written parts of it
        print(f"instructzero: {message}", file=sys.stderr)
        raise SystemExit(REFUSED) from None
