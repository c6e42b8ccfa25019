"""Exports of a finished run: text, tables, JSON, figures, and code that answers new inputs."""
