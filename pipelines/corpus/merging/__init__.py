"""Several datasets become one, or one gets other shards."""
