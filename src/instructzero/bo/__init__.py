"""Bayesian optimisation over vectors: kernels, surrogate, acquisition, search. Knows no language model.

Notation in this folder: n observed points z of dimension d (Z is n x d), m validation examples, q query points.
Everything is float64.
"""
