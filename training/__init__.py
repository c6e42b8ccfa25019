"""The making of the embedded pair: corpus, tokenisers, training, measurements and task files."""
