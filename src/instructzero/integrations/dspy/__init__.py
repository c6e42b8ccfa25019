"""InstructZero as an optimiser of DSPy: it improves the instruction of each predictor of a program.

>>> import dspy                                                                       # doctest: +SKIP
>>> from instructzero.integrations.dspy import InstructZero                           # doctest: +SKIP
>>> optimizer = InstructZero(metric=my_metric, max_calls=500)                         # doctest: +SKIP
>>> better = optimizer.compile(my_program, trainset=my_examples)                      # doctest: +SKIP

The extra is ``dspy``. What is imported here keeps DSPy from downloading a list of prices, so import it before the first
call of a model, or set ``LITELLM_LOCAL_MODEL_COST_MAP=True`` yourself.
"""

from instructzero.models.dspy import require_dspy

require_dspy()

from instructzero.integrations.dspy.optimizer import InstructZero  # noqa: E402

__all__ = ["InstructZero"]
