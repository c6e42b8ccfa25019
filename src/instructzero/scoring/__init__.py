"""Scoring instructions on examples: the evaluator, the scorers and the judge."""
