"""Judges a bundle: attribute retrieval on photos, known factors, robustness; trains nothing."""
