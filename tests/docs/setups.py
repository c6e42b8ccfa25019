"""What a reader has of her own before a page begins: her data, her prompt, her server.

A page names a set-up in a comment, ``<!-- setup: words -->``, and the function of that name prepares it in the page's
folder. Names may have hyphens. A set-up receives the `tests.docs.running.Running` of the page: ``running.write(name,
text)`` writes a file, ``running.instructzero(...)`` runs a command, ``running.script.answer = function`` says what the
stand-in for services answers, and ``running.stand_ins.add(shown, real)`` uses one text in the place of another.
"""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import WORDS

if TYPE_CHECKING:
    from tests.docs.running import Running

EXAMPLES = Path(__file__).parents[2] / "examples"


def words(running: Running) -> None:
    """Write words.jsonl: 25 words and their reverse, which the stand-in for services finds with the right words."""
    rows = [json.dumps({"input": word, "output": word[::-1]}) for word in WORDS]
    running.write("words.jsonl", "\n".join(rows) + "\n")


def words_csv(running: Running) -> None:
    """Write words.csv with the columns input and output: the same words."""
    rows = [f"{word},{word[::-1]}" for word in WORDS]
    running.write("words.csv", "\n".join(["input,output", *rows]) + "\n")


def finished_run(running: Running) -> None:
    """Leave a finished run of the words in runs/words, of scripted models."""
    words(running)
    scripted = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey")
    size = ("--evaluations", "12", "--initial", "4", "--batch", "4")
    running.instructzero("run", "--task", "words.jsonl", *scripted, *size, "--out", "runs/words")


def tickets(running: Running) -> None:
    """Copy rows.csv, prompt.txt and server.py of the example with customers' messages."""
    for path in (EXAMPLES / "tickets").iterdir():
        if path.is_file():
            running.write(path.name, path.read_text(encoding="utf-8"))
    tickets_service(running)


def tickets_service(running: Running) -> None:
    """Let the stand-in for services sort customers' messages, as the server of the example does."""
    running.script.answer = runpy.run_path(str(EXAMPLES / "tickets" / "server.py"))["answer"]


def dspy_model(running: Running) -> None:
    """Copy the stand-in of the example with DSPy, and what serves it."""
    for name in ("serve.py", "dspy_model.py"):
        running.write(name, (EXAMPLES / name).read_text(encoding="utf-8"))


def my_writer(running: Running) -> None:
    """Leave a model in the folder my-writer."""
    from tests.docs.stand_ins import EMBEDDED

    shutil.copytree(EMBEDDED / "writer", "my-writer")


_FRENCH = "chat chien maison arbre eau feu pain lait porte table livre lune soleil nuit main pied".split()
_ENGLISH = "cat dog house tree water fire bread milk door table book moon sun night hand foot".split()


def french_words(running: Running) -> None:
    """Write words.csv with the columns english and french; one word has two translations."""
    rows = [f"{word},{meaning}" for word, meaning in zip(_ENGLISH, _FRENCH, strict=True)]
    running.write("words.csv", "\n".join(["english,french", *rows, "glad,content|heureux"]) + "\n")


_MAIL = {
    "refunds": ("Refund?", "You charged my card twice."),
    "delivery": ("Late", "Where is my parcel?"),
    "account": ("Login", "I cannot sign in."),
}


def mail(running: Running) -> None:
    """Write mail.csv: 150 numbered messages with subject, body and queue, which the stand-in for services sorts.

    It sorts messages about an account only if the instruction speaks of a message.
    """
    topics = [*_MAIL.items()]
    rows = ["subject,body,queue"]
    for number in range(150):
        queue, (subject, body) = topics[number % 3]
        rows.append(f"{subject} ({number}),{body},{queue}")
    running.write("mail.csv", "\n".join(rows) + "\n")
    running.script.answer = _sort_mail


def _sort_mail(prompt: str) -> str:
    from tests.docs.stand_ins import texts_from

    if "<prompt>" in prompt:
        ideas = ("Name the team.", "Name the queue of the message.", "Which queue?", "Read it, and name one queue.")
        return texts_from(ideas, prompt)
    queue = next((queue for queue, (subject, _) in _MAIL.items() if f"{subject} (" in prompt), "unknown")
    return queue if queue != "account" or "message" in prompt else "delivery"


def second_run(running: Running) -> None:
    """Leave a second run of the words, with another method, in runs/words-uniform."""
    scripted = ("--writer", "scripted:phrases", "--blackbox", "scripted:obey", "--method", "uniform")
    running.instructzero(
        "run", "--task", "words.jsonl", *scripted, "--evaluations", "12", "--out", "runs/words-uniform"
    )


def finished_service_run(running: Running) -> None:
    """Leave a finished run of the words in runs/words, whose models are behind an API."""
    words(running)
    models = ("--writer", "openai:gpt-4o-mini", "--blackbox", "openai:gpt-4o-mini")
    running.instructzero("run", "--task", "words.jsonl", *models, "--evaluations", "4", "--out", "runs/words")


def adding_service(running: Running) -> None:
    """Let the stand-in for services add the numbers of a question."""
    running.script.answer = _add


def _add(prompt: str) -> str:
    return str(sum(map(int, prompt.rpartition("Input:")[2].partition("Output:")[0].split())))


def demo_port(running: Running) -> None:
    """Let the package's test server, whose port is 8123, use the free port that stands for it on this page."""
    port = running.stand_ins.real("8123")
    running.stand_ins.add("-m instructzero.testing", f"-m instructzero.testing --port {port}")


def demo_config(running: Running) -> None:
    """Let shop/run.yaml, which ``instructzero init shop --demo`` wrote, name the port that stands for 8123."""
    running.write("shop/run.yaml", Path("shop/run.yaml").read_text(encoding="utf-8"))


def demo_service(running: Running) -> None:
    """Let the stand-in for services answer as the package's test server."""
    from instructzero.testing.shop import answer

    running.script.answer = answer


def shop(running: Running) -> None:
    """Write the folder shop, as ``instructzero init shop --demo`` does, for a test server that runs already."""
    demo_service(running)
    running.instructzero("init", "shop", "--demo")
    config = Path("shop/run.yaml")
    config.write_text(config.read_text().replace("http://127.0.0.1:8123", running.endpoint.root))


def letters(running: Running) -> None:
    """Write letters.jsonl: names and the number of their letters; the stand-in for services answers in sentences."""
    names = "Ada Ben Jon Mary Nora Paul Rita Sven Tom Zoe Alice Bruno Chloe David Emma".split()
    rows = [json.dumps({"input": name, "output": str(len(name))}) for name in names]
    running.write("letters.jsonl", "\n".join(rows) + "\n")
    running.script.answer = _count_in_a_sentence


def _count_in_a_sentence(prompt: str) -> str:
    from tests.docs.stand_ins import texts_from

    if "<prompt>" in prompt:
        verbs, things = ("Count", "Tell", "Give", "Write"), ("the letters", "the length", "a number", "how long it is")
        return texts_from(tuple(f"{verb} {thing}." for verb in verbs for thing in things), prompt)
    name = prompt.rpartition("Input:")[2].partition("Output:")[0].strip()
    return f"The name {name} is made of several letters. Their number is {len(name)}"


def checkout(running: Running) -> None:
    """Let the page's folder have the docs of a checkout."""
    Path("docs").symlink_to(EXAMPLES.parent / "docs")


def induction(running: Running) -> None:
    """Leave the task antonyms where a checkout of the published code of InstructZero has its data."""
    from instructzero.tasks.loading import load_task_data

    data = load_task_data("antonyms")
    for kind, examples in (("induce", data.search), ("execute", data.test or ())):
        shown = {str(n): {"input": each.input, "output": each.outputs[0]} for n, each in enumerate(examples, 1)}
        folder = "InstructZero/experiments/data/instruction_induction/raw"
        running.write(f"{folder}/{kind}/antonyms.json", json.dumps({"examples": shown}))


def examples(running: Running) -> None:
    """Copy the folder examples of a checkout."""
    shutil.copytree(EXAMPLES, "examples", ignore=shutil.ignore_patterns("runs", "__pycache__"))
