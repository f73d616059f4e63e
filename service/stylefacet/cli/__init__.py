"""The ``stylefacet`` command."""

from stylefacet.cli.main import main

__all__ = ["main"]
