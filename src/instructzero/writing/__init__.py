"""From a point z to an instruction: the random projection, the writer and the cleaning of its text."""
