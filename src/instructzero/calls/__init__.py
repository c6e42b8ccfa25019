"""Paying for an answer: the call store, the budget, retries, and many questions in flight."""
