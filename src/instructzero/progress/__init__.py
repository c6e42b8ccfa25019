"""The display of a running search: its counts, a live table on a terminal, and log lines elsewhere."""

from instructzero.progress.display import LiveProgress, PlainProgress, progress_on, rows_of
from instructzero.progress.tally import Tally, share_used

__all__ = ["LiveProgress", "PlainProgress", "Tally", "progress_on", "rows_of", "share_used"]
