import importlib.util

import pytest

from instructzero.bench.extras import check_extras
from instructzero.errors import ConfigurationError


@pytest.mark.parametrize("package", ["matplotlib", "jinja2", "pyarrow"])
def test_missing_package_of_the_report_is_one_sentence_with_the_command(monkeypatch, package):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(ConfigurationError, match=rf"found no {package}; install them with: pip install 'instructzero"):
        check_extras()


def test_installed_packages_are_accepted():
    check_extras()


def test_tracker_that_is_not_installed_is_refused():
    if importlib.util.find_spec("mlflow") is not None:
        pytest.skip("mlflow is installed")
    with pytest.raises(ConfigurationError, match="expected the package mlflow for --log-to mlflow"):
        check_extras(["mlflow"])
