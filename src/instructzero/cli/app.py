"""The command line: the commands by name, and the exit code of an error."""

from __future__ import annotations

import errno
import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from instructzero import __version__
from instructzero.cli.commands import bench, init, installed, results, run
from instructzero.cli.settings_flags import flags_of_settings
from instructzero.errors import InstructZeroError, shortened
from instructzero.models.stopping import Stop, heeded_signals
from instructzero.terminal import printable

REFUSED = 2
"""The exit code after an error that was raised on purpose, as after a wrong flag."""

_SHOWN = 80  # characters of a name in a message
_UsageError: Any = typer.BadParameter.__base__


class _Commands(TyperGroup):
    """The commands; an error of usage quotes no more of a long argument than others do."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            error.message = shortened(error.message)
            raise


app = typer.Typer(
    name="instructzero",
    cls=_Commands,
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
    """Run the command line; an error raised on purpose becomes one sentence and exit code 2.

    A signal that ends the command has the exit code that it has in a shell.
    """
    with Stop(heeded_signals()) as stop:
        try:
            _call()
        except BaseException as error:
            if stop.exit_code is None or (isinstance(error, SystemExit) and not error.code):
                raise
            raise SystemExit(stop.exit_code) from None  # whatever a library has made of the interrupt


def _call() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")  # the name of a file may be no text
    try:
        app()
    except InstructZeroError as error:
        sentence, *appendix = map(printable, str(error).split("\n"))  # a server may have written parts of it
        print(shortened(f"instructzero: {sentence}"), *appendix, sep="\n", file=sys.stderr)
        raise SystemExit(REFUSED) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        name = shortened(printable(str(error.filename)))[:_SHOWN]
        print(f"instructzero: expected the name of a file or model, got {name}…, which is too long", file=sys.stderr)
        raise SystemExit(REFUSED) from None
