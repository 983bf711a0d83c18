"""Where a job runs. Torch-free, so that the window may start and follow jobs."""
