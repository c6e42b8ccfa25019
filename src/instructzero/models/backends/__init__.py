"""The model backends, one per file: the file's name is the kind in a specification such as ``openai:gpt-4o-mini``."""
