"""How a server's process treats memory, seen in processes of their own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")

COUNT_HEAPS = """
import ctypes, threading
from stylefacet.server.memory import limit_arenas
if {limited}:
    limit_arenas()
together = threading.Barrier(12)
kept = []
def work():
    for _ in range(2000):
        kept.append(b"x" * 1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""
COLLECT = """
import gc
from stylefacet.server.memory import spare_collections
before = gc.get_threshold()
spare_collections()
print(gc.get_freeze_count() > 1000, gc.get_threshold() > before, gc.isenabled())
"""

GIVE_BACK = """
from stylefacet.server.memory import give_back
def resident_bytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
held = [bytearray(b"x" * 100_000) for _ in range(600)]
last = bytearray(b"x" * 100_000)
del held
before = resident_bytes()
give_back()
print(before - resident_bytes())
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_threads_share_two_heaps():
    limited, unlimited = (
        run(COUNT_HEAPS.format(limited=limited)).count("<heap nr=") for limited in (True, False)
    )

    assert limited <= 2 < unlimited


def test_what_is_there_at_the_start_is_not_looked_at_again():
    assert run(COLLECT).split() == ["True", "True", "True"]


def test_what_was_freed_below_what_is_in_use_goes_back_to_the_system():
    assert int(run(GIVE_BACK)) > 40_000_000
