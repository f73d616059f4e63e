"""How a server's process keeps memory: glibc's arenas and Python's collector; knows no server."""

import ctypes
import gc
import sys

# Source: glibc, malloc.h
_M_ARENA_MAX = -8
# glibc makes up to eight heaps a core, one for each thread that finds the others taken, and keeps
# what is freed in each: the more calls there ever were at once, the more is held for good. Work
# here is mostly done outside of the allocator; two cost nothing that could be measured.
_ARENA_COUNT = 2
# Objects made beyond those freed before Python looks for circles among the young ones; with its own
# 700 it looked dozens of times a second under load, with every call waiting.
_YOUNG_COUNT = 20_000


def limit_arenas() -> None:
    """Keeps the heaps of glibc few; call it before there are threads. Nothing happens elsewhere."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENA_COUNT)


def give_back() -> None:
    """Returns to the system what is free in the heaps; nothing happens where there is no glibc.

    A large import or export leaves tens of megabytes that glibc would keep: it gives back only what
    lies above the last thing in use.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def spare_collections() -> None:
    """Takes what is there now for lasting, and looks for garbage among what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_COUNT)
