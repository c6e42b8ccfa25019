"""Everything that makes the embedded pair: corpus, tokenisers, training, measurements and task files."""
