"""How good a mask is: exact figures on numpy arrays in the picture's own resolution, without torch.

`pair.py` puts a prediction beside its truth once and checks both; every figure is a function of such a pair, or of the four counts of its
pixels. Pixels that are not to be judged behave in every figure as if they lay outside the picture. `table.py` gathers the figures of many
pictures, `clicking.py` lets a program click until the mask is good. What each figure means and what empty masks count for is told in
docs/segmentation-metrics.md.
"""
