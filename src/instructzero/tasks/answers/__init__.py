"""The content of a text: its bare answer, words, lists, labels, numbers and dates; metrics compare these."""
