"""What came of teaching a model: before and after on pictures it never learned from, the worst first."""
