"""A few faults that need no rights; ``python -m tests.endurance.faults`` brings about all."""

import sys

import pytest

from tests.endurance.faults import disks, files
from tests.endurance.faults.catalogue import Fault, run


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's files")
@pytest.mark.parametrize(
    "fault", [disks.fail_writes_while_serving, files.damage_kept_inputs], ids=lambda f: f.__name__
)
def test_a_fault_is_told_of_and_nothing_is_lost(fault: Fault):
    assert run(fault)
