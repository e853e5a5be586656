"""The report of a dataset: what is in it, what was left out and why, and what it cost, on one page."""
