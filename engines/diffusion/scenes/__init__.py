"""Pictures of several subjects together, made from pictures of each alone, to teach one adapter of all of them (Gen4Gen, Yeh et al. 2024).

Subjects are cut out (`cutting`), given places (`layout`), and the base model draws everything around them (`around`); `making` puts it together.
"""
