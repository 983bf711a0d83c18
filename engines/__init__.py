"""Engines of Lorikeet: models, training and measuring. Never imports Qt."""
