"""Documents on disk: projects, images, masks, captions, concepts and runs. Neither Qt nor torch."""
