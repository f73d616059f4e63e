"""Harnesses that break a real server on purpose; each has a command, seeds and a sample in CI."""
