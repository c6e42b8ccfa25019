"""The search: Algorithm 1 of the paper, the race on the validation examples, and the final selection."""
