"""Run the commands of an example's README.md in a copy of its folder, with its stand-in on a free port."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instructzero.finished_run import FinishedRun
from instructzero.testing import Endpoint
from tests.command_line import Call

EXAMPLES = Path(__file__).parents[2] / "examples"
ADDRESS = "http://127.0.0.1:8123/v1"


@dataclass(frozen=True)
class Walked:
    """The outputs of the commands, the requests, and the run that the first command made."""

    outputs: list[str]
    endpoint: Endpoint
    run: FinishedRun

    @property
    def score(self) -> float:
        """The test score of the best instruction."""
        return float(self.run.record["test_score"])

    @property
    def gain(self) -> float:
        """The difference in the test score to the instruction of ``--start``, or else to the plain one."""
        found = self.run.record["comparisons"]
        return float(found.get("start", found.get("plain"))["difference"])


def commands(readme: str) -> Iterator[list[str]]:
    """Yield the words of the commands of ``instructzero`` in the blocks of a README."""
    for block in re.findall(r"```bash\n(.*?)```", readme, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["instructzero"]:
                yield words[1:]


def walk(name: str, call: Call, folder: Path) -> Walked:
    """Run the commands of the example ``name``; the current directory becomes a copy of its folder."""
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "python ../serve.py model.py &" in readme
    serve = runpy.run_path(str(EXAMPLES / "serve.py"))
    outputs = []
    with Endpoint(serve["stand_in"](str(folder / "model.py"))) as endpoint:
        for words in commands(readme):
            code, out, err = call(*(word.replace(ADDRESS, endpoint.base_url) for word in words))
            assert code == 0, err
            outputs.append(out)
    return Walked(outputs, endpoint, FinishedRun.read(folder / "runs" / name))
