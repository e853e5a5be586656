"""Worker processes that make samples, and how samples come from them: the pool, its workers, the memory they share."""
