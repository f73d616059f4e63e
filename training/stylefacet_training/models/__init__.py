"""The networks, one a file, behind the one seam of models/base.py."""
