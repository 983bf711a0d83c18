"""Which files the dialogs of Images offer."""

from __future__ import annotations

FILE_FILTER = "Pictures (*.jpg *.jpeg *.png *.webp *.avif *.bmp *.gif *.tif *.tiff);;All files (*)"
