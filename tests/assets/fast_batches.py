"""The command line, which looks at batches every few milliseconds instead of every few seconds."""

from functools import partial

from instructzero.cli import app
from instructzero.models.batches import black_box
from instructzero.models.batches.rounds import Pace

black_box.Pace = partial(Pace, quiet=0.05, first=0.01, longest=0.02)

if __name__ == "__main__":
    app.main()
