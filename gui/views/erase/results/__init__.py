"""What came of an erasure: pictures with and without it, what else changed, and whether it can be got around."""
