"""Feature-level similarity for retail catalogues."""

__version__ = "0.1.0"
