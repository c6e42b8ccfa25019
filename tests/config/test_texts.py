"""Settings that are a text or a file: what is read, what stays a text, and one sentence about what cannot be read."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instructzero.config import make_settings
from instructzero.config.texts import with_texts
from instructzero.errors import ConfigurationError


def read(value, folder, name="prompt"):
    return with_texts({name: value}, ["prompt", "start", "baseline"], folder)[name]


def refusal(value, folder, name="prompt"):
    with pytest.raises(ConfigurationError) as caught:
        read(value, folder, name)
    message = str(caught.value)
    assert "\n" not in message
    assert "\0" not in message
    assert f"--{name}" in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize("name", ["mine.txt", "mine", "my prompt.md", "sub/mine.csv"])
def test_path_of_a_file_is_replaced_by_its_text(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("Translate.\n\nBriefly.\n\n")
    assert read(name, tmp_path) == "Translate.\n\nBriefly."
    assert read(Path(name), tmp_path) == "Translate.\n\nBriefly."
    assert read(str(path), Path("elsewhere")) == "Translate.\n\nBriefly."


def test_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"\xef\xbb\xbfsystem: one\r\nuser: two\r\n")
    assert read("mine.txt", tmp_path) == "system: one\nuser: two"


@pytest.mark.parametrize(
    "text",
    [
        "Translate the word.",
        "Answer in the form a.json, b.json",
        "/no_think Translate the word.",
        "Write the answer into output.txt",
        "x" * 5000,
        "Give the name of the file, as in " + "x" * 5000 + ".txt",
        "a/" * 3000 + "b",
        "two\nlines.txt",
        "...",
        "",
        "  ",
        "~ means about",
        "Übersetze „das“ Wort 🙂",
    ],
)
def test_text_stays_as_it_is(tmp_path, text):
    assert read(text, tmp_path) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0/.~")))
def test_any_text_without_a_file_of_its_name_stays_as_it_is(tmp_path, text):
    assert read(text, tmp_path, "baseline") == text


@pytest.mark.parametrize("name", ["mine.txt", "./mine", "../mine", "~/mine", "sub/mine.yaml"])
def test_path_without_a_file_is_refused(tmp_path, name):
    assert "does not exist; check the path" in refusal(name, tmp_path)


def test_path_object_without_a_file_is_refused(tmp_path):
    assert "does not exist" in refusal(Path("mine"), tmp_path)


@pytest.mark.parametrize("value", ["folder", "folder/", ".", "./folder"])
def test_folder_is_refused(tmp_path, value):
    (tmp_path / "folder").mkdir()
    assert "which is a folder; name a file in it" in refusal(value, tmp_path)


@pytest.mark.parametrize("name", ["mine.txt", "mine.csv", "mine"])
@pytest.mark.parametrize("content", ["Ünder".encode("utf-16"), "Ünder".encode("latin-1"), b"\x00\x01\x02text"])
def test_file_that_is_not_text_in_utf_8_is_refused_whatever_its_suffix(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "save it as UTF-8" in refusal(name, tmp_path)


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t"])
@pytest.mark.parametrize("name", ["prompt", "start", "baseline"])
def test_empty_file_is_refused(tmp_path, name, content):
    (tmp_path / "mine").write_text(content)
    assert "got an empty file" in refusal("mine", tmp_path, name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "mine"
    path.write_text("text")
    path.chmod(0)
    assert "Permission denied; check the file" in refusal("mine", tmp_path)


def test_file_that_cannot_be_opened_is_refused(tmp_path):
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    assert refusal("loop.txt", tmp_path)


def test_text_with_nul_is_refused(tmp_path):
    assert "NUL" in refusal("one\0two", tmp_path)


def test_long_value_is_cut_in_a_message(tmp_path):
    assert "…" in refusal("x" * 90 + "/mine.txt", tmp_path)


def test_file_of_start_holds_several_texts_between_lines_of_dashes(tmp_path):
    (tmp_path / "mine").write_bytes(
        b"---\r\nOne.\r\nTwo lines.\r\n---  \r\n\r\n---\nThree --- dashes\n--- no line of them\n"
    )
    assert read("mine", tmp_path, "start") == ("One.\nTwo lines.", "Three --- dashes\n--- no line of them")


def test_start_may_be_several_files_and_texts(tmp_path):
    (tmp_path / "mine.txt").write_text("One.\n---\nTwo.")
    assert read(["mine.txt", "Three.", "Four.\r\n---\r\nFive."], tmp_path, "start") == (
        "One.",
        "Two.",
        "Three.",
        "Four.",
        "Five.",
    )
    assert read("Six.", tmp_path, "start") == ("Six.",)


@pytest.mark.parametrize("value", ["", " \n", "---", ["One.", "---\n---"]])
def test_empty_start_is_refused(tmp_path, value):
    assert "got an empty one" in refusal(value, tmp_path, "start")


def test_list_of_messages_becomes_json(tmp_path):
    messages = [{"role": "system", "content": "Ü"}]
    assert read(messages, tmp_path) == '[{"role": "system", "content": "Ü"}]'


def test_values_of_other_kinds_are_left_to_the_settings(tmp_path):
    assert with_texts({"prompt": 7, "start": [7], "seed": "mine"}, ["prompt", "start"], tmp_path) == {
        "prompt": 7,
        "start": (7,),
        "seed": "mine",
    }
    with pytest.raises(ConfigurationError, match="change --prompt"):
        make_settings({"task": "sum", "prompt": 7})


def test_make_settings_reads_texts_relative_to_the_folder(tmp_path):
    (tmp_path / "mine.txt").write_text("One.\n---\nTwo.\n")
    assert make_settings({"task": "sum", "start": "mine.txt"}, tmp_path).start == ("One.", "Two.")


def test_text_file_longer_than_settings_may_be_is_refused(tmp_path):
    (tmp_path / "long.txt").write_text(500_001 * "x", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="at most 500,000 characters"):
        with_texts({"prompt": "long.txt"}, ["prompt"], tmp_path)
