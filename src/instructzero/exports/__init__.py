"""What a run found, in the forms in which others use it: text, tables, JSON, and code that answers new inputs."""
