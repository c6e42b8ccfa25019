"""Imports BoTorch once, before the tests that compare with it."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it compiles with torch.jit when it is imported
    import botorch  # noqa: F401
