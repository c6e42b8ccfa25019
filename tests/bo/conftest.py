"""Import BoTorch once, before the tests that compare with it."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # BoTorch uses torch.jit when it is imported
    import botorch  # noqa: F401
