"""What the package promises to export, and what it costs to import."""

import subprocess
import sys

import instructzero


def test_exported_names_are_pinned():
    assert instructzero.__all__ == [
        *("BlackBox", "BudgetExhausted", "Candidate", "Completion", "ConfigurationError", "EndpointError"),
        *("Evaluation", "Example"),
        *("InstructZero", "InstructZeroError", "Message", "ModelError", "Observer", "Optimizer", "Proposal"),
        *("Request", "Result", "Rewrite", "RunDirectoryError", "Scored", "Settings", "SoftPromptModel", "Task"),
        *("TaskError", "Trial", "Uniform", "Usage", "UserError", "Writing", "optimize", "resume"),
    ]
    assert all(getattr(instructzero, name) is not None for name in instructzero.__all__)


def test_help_and_tasks_import_no_heavy_library():
    heavy = {"torch", "transformers", "openai", "anthropic", "numpy", "scipy", "sqlite3"}
    code = (
        "import sys; from instructzero.cli.main import app; from instructzero.cli.inventory import print_tasks;"
        "print_tasks();"
        f"sys.exit(bool({heavy} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version_is_the_distributions():
    from importlib.metadata import version

    assert instructzero.__version__ == version("instructzero")
