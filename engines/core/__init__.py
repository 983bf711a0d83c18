"""The frame every job runs in: contracts, registry, loop, checkpoints, memory."""
