"""Denoising models: base models, ways to teach them a subject, adapter files, pictures and their measures."""
