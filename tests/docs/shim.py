"""``instructzero`` and ``python`` of commands that run in a shell: the same, with the stand-in for services.

``python shim.py ROOT COMMAND...`` runs ``instructzero COMMAND...`` with the services at ROOT.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def main() -> None:
    """Run the command line."""
    from instructzero.cli import main as run
    from tests.docs.stand_ins import services_at

    root = sys.argv[1]
    sys.argv = ["instructzero", *sys.argv[2:]]
    sys.path.remove(str(Path(__file__).parent))
    with services_at(root):
        run()


if __name__ == "__main__":
    main()
