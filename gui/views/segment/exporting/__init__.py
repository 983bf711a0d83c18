"""Taking a taught model elsewhere: as ONNX graphs, as a merged checkpoint, or as the adapter file itself."""
