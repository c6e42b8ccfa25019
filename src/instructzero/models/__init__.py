"""Writers and black boxes. Each implements one of two protocols; `registry` loads them by specification."""
