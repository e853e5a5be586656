"""The stream that feeds training: the order of samples, where they come from, and the batches made of them."""
