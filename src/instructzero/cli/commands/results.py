"""The commands that read runs: ``report``, ``watch``, ``calls``, ``compare`` and ``export``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from instructzero.cli.options import FORMATS, Open, choice


def report_command(
    directory: Annotated[Path, typer.Argument(help="directory of a run, finished or not")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="file to write (default: report.html in the directory)")
    ] = None,
    show: Open = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print only the path of the page")] = False,
) -> None:
    """Write report.html: the result of a run and its uncertainty, on one page that opens offline."""
    from instructzero.report import write_report

    path = write_report(directory, out=out)
    print(path)
    if not quiet and not show:
        print("note: open this page in a browser, or use --open", file=sys.stderr)
    if show:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


def watch_command(
    directories: Annotated[list[Path], typer.Argument(help="directories of runs, also of runs that will start later")],
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, show_default=False, help="port to serve on (default: a free port)"),
    ] = 0,
    show: Open = False,
) -> None:
    """Serve a live report of runs in the browser; stop it with Ctrl-C."""
    from instructzero.watch.command import watch

    with contextlib.suppress(KeyboardInterrupt):
        watch(directories, port=port, show=show)


def calls_command(
    path: Annotated[Path, typer.Argument(help="directory of a run, or a call store")],
    export: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="write the calls as JSON lines to this file; - for standard output"),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(metavar="ID", help="only the calls that this run paid for; a prefix of its id is enough"),
    ] = None,
    grep: Annotated[str | None, typer.Option(metavar="TEXT", help="print the calls that contain this text")] = None,
) -> None:
    """Show the answers in a call store, and the calls that each run paid for."""
    from instructzero.cli.calls import print_calls

    print_calls(path, export=export, run=run, grep=grep)


def compare_command(
    directories: Annotated[list[Path], typer.Argument(help="directories of two or more finished runs")],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Compare finished runs on the same test examples, with intervals and paired tests."""
    from instructzero.cli.comparison_table import print_comparison

    print_comparison(directories, as_json=as_json)


def export_command(
    directory: Annotated[
        Path, typer.Argument(help="directory of a finished run; for figures also of an unfinished one")
    ],
    form: Annotated[
        str,
        choice(
            FORMATS, "--format", help="csv: the trials; python, curl, dspy, langchain: code that answers new inputs"
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="file to write, or folder for figures; - for standard output (default of figures: DIRECTORY/figures)",
        ),
    ] = "-",
    raw: Annotated[
        bool, typer.Option("--raw", help="csv, scores: keep texts that a spreadsheet would compute as formulas")
    ] = False,
) -> None:
    """Export the result of a run, for example as a script that answers new inputs."""
    from instructzero.exports.command import export_run

    export_run(directory, form, out, raw=raw)
