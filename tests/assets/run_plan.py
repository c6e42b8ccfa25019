"""Run the cells of a bench without its slower report. Arguments: the YAML file, and an engine."""

import sys
from pathlib import Path

from instructzero.bench.command import run_plan
from instructzero.bench.plan import make_plan
from instructzero.config.yaml_file import load_yaml

if __name__ == "__main__":
    run_plan(make_plan({**load_yaml(Path(sys.argv[1])), "engine": sys.argv[2]}), print)
