"""A dataset from first source to last rename: who is worked on, what is safe on disk, how the books close and grow."""
