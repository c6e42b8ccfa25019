"""The home-made corpus: tasks (inputs and answers), phrasings of their instructions, and the rows made from both."""
