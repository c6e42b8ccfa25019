"""Writers and black boxes behind two small protocols; `registry` makes one from a specification."""
