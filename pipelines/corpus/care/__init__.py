"""What is done to a finished dataset: purging, repairing, and withdrawing clips, on which both are built."""
