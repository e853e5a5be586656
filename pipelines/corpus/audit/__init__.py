"""Whether a dataset is what it says: shards read from end to end, clips played, tables held against each other."""
