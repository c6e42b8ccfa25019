"""The parts of a build that depend on where a release is published, and the packing of the weights.

``SOURCE_URL`` is the address of the repository, for example ``https://git.example.org/us/instructzero``. With it, the
pictures and relative links of the README become absolute in the long description. Without it, the long description has
neither pictures nor relative links, so that nothing in it points to an address that does not exist.
"""

import os
import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SOURCE = os.environ.get("SOURCE_URL")
DESCRIPTION = runpy.run_path(str(ROOT / "release" / "description.py"))
PACKED = runpy.run_path(str(ROOT / "src" / "instructzero" / "models" / "packed.py"))


class BuildPackage(build_py):
    """Builds the package with packed weights; an editable installation uses those of the checkout."""

    def run(self) -> None:
        """Build, then pack the weights in the folder that becomes the wheel."""
        super().run()
        if not self.editable_mode:
            for path in Path(self.build_lib).glob("instructzero/models/embedded/*/model.safetensors"):
                path.with_name(path.name + PACKED["SUFFIX"]).write_bytes(PACKED["pack"](path.read_bytes()))
                path.unlink()


setup(
    cmdclass={"build_py": BuildPackage},
    long_description=DESCRIPTION["long_description"]((ROOT / "README.md").read_text(encoding="utf-8"), SOURCE),
    long_description_content_type="text/markdown",
    project_urls=DESCRIPTION["links"](SOURCE),
)
