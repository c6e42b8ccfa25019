"""Bayesian optimisation over vectors: kernels, surrogate, acquisition, search. It depends on no language model.

Notation in this package: n observed points z of dimension d (Z is n x d), m validation examples, q query points.
All numbers are float64.
"""
