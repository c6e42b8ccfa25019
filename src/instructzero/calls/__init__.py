"""Paying for answers: the call store, the budget, retries, and concurrent questions."""
