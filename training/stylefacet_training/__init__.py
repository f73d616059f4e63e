"""Trains encoders on product photos, judges them and exports them as bundles."""
