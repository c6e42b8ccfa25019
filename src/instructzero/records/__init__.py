"""What a run keeps: journal, run directory and result, and the values that are recorded in them."""
