"""The section of the report with the best instruction in other programs: the messages, and code by format."""

from __future__ import annotations

from pathlib import Path

from instructzero.errors import ConfigurationError
from instructzero.exports.asking import Asking
from instructzero.exports.dspy import dspy_program
from instructzero.exports.langchain import langchain_program
from instructzero.exports.messages import messages
from instructzero.exports.promptfoo import promptfoo_config
from instructzero.exports.python import script
from instructzero.exports.shell import curl
from instructzero.finished_run import FinishedRun
from instructzero.report.html import Html, foreign, join, tag
from instructzero.report.limits import TEXT_LENGTHS
from instructzero.report.source import Record, Source

_TESTS = 3  # test examples in the configuration of promptfoo on the page; the export has all
_TITLES = {
    "messages": "Messages",
    "python": "Python",
    "curl": "curl",
    "dspy": "DSPy",
    "promptfoo": "promptfoo",
    "langchain": "LangChain",
}


def use_of(source: Source) -> Record:
    """Return the code by format, without those that the black box does not have; empty while the run goes on."""
    if source.result is None:
        return {}
    run = FinishedRun(Path(source.name), source.settings, source.history, source.result)
    try:
        asking = Asking.of(run, source.task)
    except ConfigurationError:  # the exemplars of the prompt are gone
        return {}
    tests = source.task.test[:_TESTS] if source.task else ()
    bound = source.task.metric if source.task else None
    codes = {
        "messages": messages(asking),
        "python": script(asking),
        "dspy": dspy_program(asking),
        "promptfoo": promptfoo_config(asking, tests, str(source.header["metric"]), bound),
        "langchain": langchain_program(asking),
    }
    if asking.kind in ("openai", "anthropic"):
        codes["curl"] = curl(asking)
    return {"codes": {name: codes[name] for name in _TITLES if name in codes}, "tests": len(tests)}


def use(data: Record) -> Html:
    """Render the formats as tabs, which need no script."""
    codes = data["use"]["codes"]
    tabs = [
        part
        for name in codes
        for part in (
            tag("input", type="radio", name="use", id=f"use-{name}", checked=name == next(iter(codes))),
            tag("label", _TITLES[name], for_=f"use-{name}"),
        )
    ]
    panels = [_panel(name, code, data["use"]["tests"]) for name, code in codes.items()]
    return join(
        tag("p", "Use the best instruction in your own program, with the messages and the parameters of this run."),
        tag("fieldset", tag("legend", "Format"), *tabs, *panels, class_="tabs"),
    )


def _panel(name: str, code: str, tests: int) -> Html:
    command = tag("code", f"instructzero export DIRECTORY --format {name}")
    some = f", with all test examples instead of {tests}" if name == "promptfoo" and tests else ""
    if len(code) > TEXT_LENGTHS[0]:
        return tag(
            "div",
            tag("p", "It is too long for this page. Get it with ", command, "."),
            id=f"panel-{name}",
            class_="panel",
        )
    return tag(
        "div",
        foreign(code, "pre", tabindex="0"),
        tag("p", tag("button", "Copy", type="button", hidden=True), " You can also get it with ", command, f"{some}."),
        id=f"panel-{name}",
        class_="panel",
    )
