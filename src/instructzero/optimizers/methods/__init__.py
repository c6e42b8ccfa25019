"""The search methods, one a file. Each module defines `METHOD`, which registers it under the name of its file."""
