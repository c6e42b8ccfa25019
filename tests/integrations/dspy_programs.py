"""A DSPy program of two predictors, the model behind an endpoint that it asks, and processes that compile it."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

import dspy

from instructzero.integrations.dspy import InstructZero

KEY = "sk-dspy-1234567890abcdef"
SHOUT, SORT = "Summarise the ticket in capital letters.", "Name the department: billing, shipping or support."
INTERRUPTED = 130
"""The exit code of a process that Ctrl-C has ended."""

DEPARTMENTS = {"invoice": "billing", "parcel": "shipping", "crash": "support"}
TEXTS = f"<prompt>{SHOUT}</prompt>\n<prompt>{SORT}</prompt>\n<prompt>Say hello.</prompt>\n<prompt>Do it.</prompt>"


def answer(prompt: str) -> str:
    """Answer a request for instructions, or one of a predictor: it needs the right instruction for a right answer."""
    if "<prompt>" in prompt:
        return TEXTS
    last = prompt.partition("\n\nRespond with")[0].rpartition("[[ ## ")[2]
    name, _, value = last.partition(" ## ]]\n")
    if name == "ticket":
        return field("summary", value.upper() if SHOUT in prompt else "a ticket")
    found = next((label for word, label in DEPARTMENTS.items() if word.upper() in value), "unknown")
    return field("department", found if SORT in prompt else f"probably {found}")


def field(name: str, value: str) -> str:
    """Return a field as DSPy's chat adapter reads it."""
    return f"[[ ## {name} ## ]]\n{value}\n\n[[ ## completed ## ]]"


class Sorter(dspy.Module):  # type: ignore[misc, unused-ignore]
    """Summarises a ticket, and names the department of the summary."""

    def __init__(self) -> None:
        super().__init__()
        self.summarise = dspy.Predict("ticket -> summary")
        self.classify = dspy.Predict("summary -> department")

    def forward(self, ticket: str) -> Any:
        return self.classify(summary=self.summarise(ticket=ticket).summary)


class AsyncSorter(dspy.Module):  # type: ignore[misc, unused-ignore]
    """One predictor that is asked asynchronously."""

    def __init__(self) -> None:
        super().__init__()
        self.classify = dspy.Predict("summary -> department")

    async def aforward(self, ticket: str) -> Any:
        return await self.classify.acall(summary=ticket.upper())


def tickets(count: int = 16) -> list[Any]:
    """Return three examples for each number below ``count``."""
    pairs = [
        (f"My {word} number {number} is wrong", label) for number in range(count) for word, label in DEPARTMENTS.items()
    ]
    return [dspy.Example(ticket=text, department=label).with_inputs("ticket") for text, label in pairs]


def partly(example: Any, prediction: Any, trace: Any = None) -> float:
    """Score 0.5 for an answer that holds the department, and 1 for one that is it."""
    return (example.department in prediction.department) / 2 + (prediction.department == example.department) / 2


def exactly(example: Any, prediction: Any, trace: Any = None) -> bool:
    """Score an answer that is the department."""
    return bool(prediction.department == example.department)


def model(base_url: str, name: str = "demo", **parameters: Any) -> Any:
    """Return a model of DSPy at an address."""
    return dspy.LM(f"openai/{name}", api_base=base_url, api_key=KEY, **parameters)


def compiled(base_url: str, out: str, **settings: Any) -> Any:
    """Compile the program with 24 examples for the search, and as many for the test."""
    examples = tickets()
    with dspy.context(lm=model(base_url)):
        optimizer = InstructZero(metric=partly, out=out, **settings)
        return optimizer.compile(Sorter(), trainset=examples[:24], valset=examples[24:])


def instructions(program: Any) -> dict[str, str]:
    """Return the instructions of a program by predictor."""
    return {name: predictor.signature.instructions for name, predictor in program.named_predictors()}


def _serve() -> None:
    """Compile in a process of its own for each line, which is a JSON object of arguments; write its id and its end."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            os._exit(_ended(json.loads(line)))
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def _ended(arguments: dict[str, Any]) -> int:
    """Compile, and return the exit code."""
    try:
        compiled(**arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    _serve()
