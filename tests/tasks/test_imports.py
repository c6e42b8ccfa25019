"""Importing the tasks does not import the libraries that models need."""

import os
import subprocess
import sys


def test_importing_tasks_loads_no_heavy_library():
    heavy = (
        *("torch", "numpy", "pandas", "transformers", "pydantic"),
        *("polars", "pyarrow", "openpyxl", "datasets"),
    )
    code = f"import sys, instructzero.tasks; print([name for name in {heavy!r} if name in sys.modules])"
    env = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
