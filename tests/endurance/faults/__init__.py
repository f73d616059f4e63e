"""Faults of disks, files, databases and clocks, each done to a real server on purpose."""
