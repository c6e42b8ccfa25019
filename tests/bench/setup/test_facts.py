import pytest

from instructzero.bench.results import run_folder
from instructzero.bench.setup.facts import Difference, Facts, differences_of, shareable
from instructzero.bench.setup.record import SetupRecord, read_record
from instructzero.config import make_settings
from tests.bench.synthetic import cell


def fact(method, task="sum", **settings):
    given = make_settings({"task": "sum", **settings})
    return Facts(cell(method, task, {100: 0.5}), given, {}, SetupRecord())


def test_differences_name_the_runs_that_a_setting_belongs_to():
    found = differences_of([
        fact("a", "sum", validation=10, batch=4), fact("a", "rhymes", validation=10, batch=4),
        fact("b", "sum", validation=10), fact("b", "rhymes", validation=10),
    ])  # fmt: skip
    assert found == [Difference("every run", "validation", "10"), Difference("a", "batch", "4")]


def test_differences_show_several_texts_as_they_are():
    found = differences_of([fact("a", start=['Say "it"', "100 % \\ of it"])])
    assert [(entry.name, entry.value) for entry in found] == [("start", 'Say "it"\n---\n100 % \\ of it')]


def test_differences_have_no_headers_names_of_keys_or_folders():
    given = fact("a", header=["X-Key:env:MY_KEY"], key_env="MY_KEY", test_data="/home/ada/test.csv")
    found = {entry.name: entry.value for entry in differences_of([given])}
    assert found == {"test_data": "…/test.csv"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ada/secret/x.csv", "…/x.csv"),
        ("hf:/root/models/writer", "hf:…/writer"),
        ("python:/srv/a/b.py:f", "python:…/b.py:f"),
        ("~/data/x.csv", "…/x.csv"),
        (r"C:\Users\ada\x.csv", "…/x.csv"),
        ("https://ada:pw@host.example/v1?key=1", "https://host.example/v1"),
        ("hf:org/model", "hf:org/model"),
        ("openai:gpt-4o-mini", "openai:gpt-4o-mini"),
    ],
)
def test_shareable_texts_have_no_folders_passwords_or_queries(text, shown):
    assert shareable(text) == shown


@pytest.mark.parametrize("content", ["", "[]", '{"places": 1}', '{"places": [], "sizes": {}, "metric": ""}', "\x00"])
def test_record_that_is_missing_or_damaged_is_unknown(tmp_path, content):
    folder = run_folder(cell("a", "sum", {100: 0.5}), tmp_path)
    assert read_record(folder) == SetupRecord()
    folder.mkdir(parents=True)
    (folder / "setup.json").write_text(content)
    assert read_record(folder) == SetupRecord()
