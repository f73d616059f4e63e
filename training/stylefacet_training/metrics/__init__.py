"""How well a representation separates known factors: one metric a file, samples first.

A representation is `(n, d)`, the factors of the same n items are `(n, f)` float64 in the order
of their `FactorSpec`s (indices for categorical ones). A block is a named, half open range of
latent dimensions; scores by block treat it as one unit.
"""
