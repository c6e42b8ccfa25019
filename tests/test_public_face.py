"""The exported names of the package, and the cost of its import."""

import subprocess
import sys
from pathlib import Path

import instructzero


def test_exported_names_are_pinned():
    assert instructzero.__all__ == [
        *("BlackBox", "BudgetExhausted", "Candidate", "Completion", "ConfigurationError", "EndpointError"),
        *("Evaluation", "Example"),
        *("InstructZero", "InstructZeroError", "Message", "ModelError", "Observer", "Optimizer", "Proposal"),
        *("Request", "Result", "Rewrite", "RunDirectoryError", "Scored", "Settings", "SoftPromptModel", "Task"),
        *("TaskError", "Trial", "Uniform", "Usage", "UserError", "Writing", "aoptimize", "optimize", "resume"),
    ]
    assert all(getattr(instructzero, name) is not None for name in instructzero.__all__)


def test_help_and_tasks_import_no_heavy_library():
    heavy = {"torch", "transformers", "openai", "anthropic", "numpy", "scipy", "sqlite3"}
    code = (
        "import sys; from instructzero.cli.app import app; from instructzero.cli.inventory import print_tasks;"
        "print_tasks();"
        f"sys.exit(bool({heavy} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version_equals_that_of_distribution():
    from importlib.metadata import version

    assert instructzero.__version__ == version("instructzero")


def test_help_of_run_imports_no_heavy_library():
    heavy = {"torch", "transformers", "openai", "anthropic", "numpy", "scipy", "sqlite3"}
    code = (
        "import sys; from instructzero.cli.app import app\n"
        "try: app(['run', '--help'])\n"
        f"except SystemExit: sys.exit(bool({heavy} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_citation_names_the_version_of_the_package():
    citation = Path(__file__).parents[1] / "CITATION.cff"
    assert f"\nversion: {instructzero.__version__}\n" in citation.read_text(encoding="utf-8")
