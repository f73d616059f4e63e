"""How the process treats memory that a network has let go; knows no network."""

import ctypes
import sys

# Source: glibc, malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Lets glibc keep large blocks that are freed instead of giving each back to the kernel.

    A forward pass frees and asks for the same blocks again and again; to have their pages zeroed
    each time cost half of the time of a large network's pass. Elsewhere than on glibc nothing
    happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
