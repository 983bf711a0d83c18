"""Builds the embedded starter models from the procedural "clay world": renderer, trainings, evaluation and samples."""
