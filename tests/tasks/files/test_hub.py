"""Data sets of the library datasets: folders, splits, labels, and objects in Python. No network is used."""

import pytest

from instructzero.api import resolve_paths
from instructzero.config import make_settings
from instructzero.errors import TaskError
from instructzero.tasks import load_rows, load_task_data
from instructzero.tasks.files.hub import DatasetSource
from instructzero.types import Example

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    """Keep the library's cache in the test's folder, and its progress bars off."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def birds(*names, labels=("forest", "water")):
    features = datasets.Features(
        {
            "input": datasets.Value("string"),
            "output": datasets.ClassLabel(names=list(labels)),
            "weight": datasets.Value("float32"),
        }
    )
    rows = {"input": list(names), "output": [len(name) % 2 for name in names], "weight": [0.5] * len(names)}
    return datasets.Dataset.from_dict(rows, features=features)


OWL, GULL = Example("owl", ("water",), {"weight": 0.5}), Example("gull", ("forest",), {"weight": 0.5})


@pytest.fixture
def saved(tmp_path):
    parts = datasets.DatasetDict(train=birds("owl", "gull", "tit"), test=birds("crow"), validation=birds("swan"))
    parts.save_to_disk(tmp_path / "birds")
    return f"hf:{tmp_path / 'birds'}"


def test_saved_data_set_has_search_and_test_part_and_label_names(saved):
    data = load_task_data(saved)
    assert data.search[:2] == (OWL, GULL)
    assert data.test == (Example("crow", ("forest",), {"weight": 0.5}),)
    assert data.name == "birds"


@pytest.mark.parametrize(
    ("split", "inputs"),
    [
        ("validation", ["swan"]),
        ("train[1:]", ["gull", "tit"]),
        ("train[:1]+test", ["owl", "crow"]),
        ("train[:34%]", ["owl"]),
    ],
)
def test_split_of_saved_data_set_is_the_search_part_alone(saved, split, inputs):
    data = load_task_data(f"{saved}:{split}")
    assert [example.input for example in data.search] == inputs
    assert data.test is None


def test_test_part_may_be_another_split(saved):
    data = load_task_data(f"{saved}:train", test_source=f"{saved}:validation")
    assert [example.input for example in data.test] == ["swan"]


def test_folder_of_parquet_files_loads_by_split(tmp_path):
    (tmp_path / "birds").mkdir()
    birds("owl", "gull").to_parquet(tmp_path / "birds" / "train-00000-of-00001.parquet")
    birds("crow").to_parquet(tmp_path / "birds" / "test-00000-of-00001.parquet")
    data = load_task_data(f"hf:{tmp_path / 'birds'}")
    assert data.search == (OWL, GULL)
    assert [example.input for example in data.test] == ["crow"]


def test_objects_of_the_library_load_in_python():
    assert load_rows(birds("owl", "gull")).search == (OWL, GULL)
    assert load_rows(birds("owl", "gull").to_iterable_dataset()).search == (OWL, GULL)
    both = load_rows(datasets.DatasetDict(train=birds("owl"), test=birds("gull")))
    assert (both.search, both.test) == ((OWL,), (GULL,))
    assert load_rows(datasets.DatasetDict(dev=birds("owl"))).search == (OWL,)


def test_labels_in_lists_and_objects_have_names_too():
    label = datasets.ClassLabel(names=["red", "blue"])
    features = datasets.Features(
        {"input": datasets.Value("string"), "output": datasets.List(label), "seen": {"colour": label}}
    )
    rows = {"input": ["a"], "output": [[0, 1]], "seen": [{"colour": 1}]}
    (example,) = load_rows(datasets.Dataset.from_dict(rows, features=features)).search
    assert example == Example("a", ("red", "blue"), {"seen": {"colour": "blue"}})


def test_pictures_are_left_out_undecoded():
    features = datasets.Features(
        {"input": datasets.Value("string"), "output": datasets.Value("string"), "picture": datasets.Image()}
    )
    rows = {"input": ["a"], "output": ["b"], "picture": [{"bytes": b"no picture", "path": None}]}
    assert load_rows(datasets.Dataset.from_dict(rows, features=features)).search == (Example("a", ("b",)),)


def test_unlabelled_row_is_refused_with_its_number(tmp_path):
    parts = birds("owl", "gull")
    unlabelled = parts.map(lambda row, number: {"output": -number}, with_indices=True)
    with pytest.raises(TaskError, match=r"^row 2: expected text in 'output', got null"):
        load_rows(unlabelled)
    unlabelled.save_to_disk(tmp_path / "birds")
    with pytest.raises(TaskError, match=r"birds:train, row 2: expected text in 'output', got null"):
        load_task_data(f"hf:{tmp_path / 'birds'}:train")


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (":autumn", ["autumn", "'train'", "hf:NAME[#CONFIG][:SPLIT]"]),
        ("#english", ["without configurations"]),
    ],
)
def test_unknown_split_or_configuration_is_refused(saved, suffix, words):
    with pytest.raises(TaskError) as refusal:
        load_task_data(f"{saved}{suffix}")
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_folder_without_data_and_unknown_parts_are_refused(tmp_path):
    with pytest.raises(TaskError, match=r"expected a data set, got EmptyDatasetError"):
        load_task_data(f"hf:{tmp_path}")
    with pytest.raises(TaskError, match=r"expected a split 'train', got 'old', 'new'; choose one of them"):
        load_rows(datasets.DatasetDict(old=birds("owl"), new=birds("gull")))


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("hf:imdb", ("imdb", None, None)),
        ("hf:a/b:train", ("a/b", None, "train")),
        ("hf:a/b#main", ("a/b", "main", None)),
        ("hf:a/b#main:test[:10%]", ("a/b", "main", "test[:10%]")),
    ],
)
def test_specification_is_read_and_written_back(spec, parts):
    source = DatasetSource.parse(spec)
    assert (source.name, source.config, source.split) == parts
    assert str(source) == spec


@pytest.mark.parametrize("spec", ["hf:", "hf:a#", "hf:a:", "hf:#b"])
def test_incomplete_specification_is_refused(spec):
    with pytest.raises(TaskError, match=r"expected a data set as hf:NAME"):
        load_task_data(spec)


def test_settings_keep_the_absolute_folder_of_a_data_set(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = resolve_paths(make_settings({"task": "hf:birds:train", "test_data": "hf:birds:test"}))
    assert settings.task == f"{saved}:train"
    assert str(settings.test_data) == f"{saved}:test"
    assert resolve_paths(make_settings({"task": "hf:some/where#x"})).task == "hf:some/where#x"
