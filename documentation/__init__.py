"""The documentation site: the pages that are made from the code, and hooks of MkDocs. ``make site`` builds it."""
