"""From an instruction to aligned scores: the evaluator, the scorers and the judge."""
