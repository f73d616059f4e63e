"""Servers of other makers that embed photos with the same bundle, each as its own guide says."""
