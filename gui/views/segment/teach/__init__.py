"""Teaching a model to find what was marked: how, how it goes, and what came of it."""
