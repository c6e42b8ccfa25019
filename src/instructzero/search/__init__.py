"""Algorithm 1 of the paper: the loop, the race on the validation examples, and the final selection."""
