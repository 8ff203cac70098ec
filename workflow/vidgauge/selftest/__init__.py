"""The self-test: a reference set is damaged by known amounts, and every metric says what it sees of it."""
