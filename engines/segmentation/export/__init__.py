"""Adapted models as files for elsewhere: ONNX graphs with the adapter inside, and checkpoints with the adapter merged."""
