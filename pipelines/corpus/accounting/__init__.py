"""Who was handed in, what the ledger says of them, how each of them ended: the books of one preparation."""
