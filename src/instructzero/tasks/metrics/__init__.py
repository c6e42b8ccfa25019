"""The built-in metrics, one module each: the module has the name of the metric and registers it as ``METRIC``."""
