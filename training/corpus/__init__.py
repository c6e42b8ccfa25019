"""The synthetic corpus: tasks (inputs and answers), phrasings of their instructions, and training rows."""
