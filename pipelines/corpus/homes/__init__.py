"""Where a dataset lives: a folder, or a bucket with a folder of this machine as its workplace."""
