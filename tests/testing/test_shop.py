"""The stand-in for a model: what its answers depend on, its rows, and its command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter

import httpx2
import pytest

from instructzero.testing import Endpoint
from instructzero.testing.shop import GUESSES, KEY_WORDS, LESSONS, answer, rows

COMMAND = [sys.executable, "-m", "instructzero.testing"]


def ask(instruction: str, row: dict[str, str]) -> str:
    return answer(f"{instruction}\nAnswer with a team.\n\nSubject: {row['subject']}\n\n{row['body']}")


def share_right(instruction: str) -> float:
    asked = rows()
    return sum(ask(instruction, row) == f"The team in charge is {row['team']}." for row in asked) / len(asked)


def test_rows_are_different_messages_of_every_team_and_the_same_in_every_process() -> None:
    found = rows(200)
    assert len({(row["subject"], row["body"]) for row in found}) == 200
    assert min(Counter(row["team"] for row in found).values()) > 50
    assert set(found[0]) == {"subject", "body", "team"}
    assert {row["team"] for row in found} == set(KEY_WORDS)
    assert rows(3) == found[:3]
    assert rows(3, seed=1) != found[:3]


def test_better_instructions_have_more_answers_right_and_none_has_all() -> None:
    guess, whole, refunds = map(share_right, (GUESSES[1], LESSONS[""], LESSONS["refund"]))
    assert guess < whole < refunds < 1
    assert (guess, whole, refunds) == (0.68, 0.915, 0.975)


def test_message_is_read_in_other_prompts_too() -> None:
    default = "Instruction: Read the whole message.\n\nInput: subject: Hello\nbody: The courier lost it.\n\nOutput:"
    assert answer(default) == "The team in charge is delivery."
    assert answer("Read the entire message.\nQuestion\nMy card was declined.") == "The team in charge is payment."
    assert answer("one line") == "The team in charge is delivery."


def test_writer_names_lessons_only_for_wrong_answers_that_teach_them() -> None:
    request = "Write 4 instructions, each between <prompt> and </prompt>."
    shown = "\nInput: subject: Hello\nExpected: payment\nAnswer: delivery\n"
    assert not any(lesson in answer(request) for lesson in LESSONS.values())
    assert LESSONS[""] in answer(shown + request)
    assert LESSONS["refund"] not in answer(shown + request)
    assert LESSONS["refund"] in answer(shown.replace("Hello", "my refund") + request)
    assert answer(request).count("<prompt>") == answer(shown + request).count("<prompt>") == 4
    assert answer(request) == answer(request) != answer(f"{request} Please.")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_it_is_stopped(stop: signal.Signals) -> None:
    with Endpoint(str.upper) as endpoint:
        port = int(endpoint.root.rpartition(":")[2])
    with subprocess.Popen([*COMMAND, "--port", str(port)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert said == f"serving the model “demo” at http://127.0.0.1:{port}/v1; stop with Ctrl-C\n"
        body = {"messages": [{"role": "user", "content": "Subject: Card declined"}]}
        reply = httpx2.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body).json()
        os.kill(server.pid, stop)
        assert server.wait(30) == 0
    assert reply["choices"][0]["message"]["content"] == "The team in charge is payment."


def test_taken_port_is_one_sentence_with_exit_code_2() -> None:
    with Endpoint(str.upper) as endpoint:
        port = endpoint.root.rpartition(":")[2]
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"expected a free port, got {port} (")
    assert done.stderr.endswith("; name another one with --port\n")
    assert done.stderr.count("\n") == 1


def test_endpoint_at_a_taken_port_raises_and_does_not_hang() -> None:
    with Endpoint(str.upper) as endpoint, pytest.raises(OSError, match="address already in use"):
        Endpoint(str.upper, port=int(endpoint.root.rpartition(":")[2])).__enter__()
