"""The list of all faults, and how one is done."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.endurance.crash import make_ground
from tests.endurance.faults import disks, files
from tests.endurance.faults.scene import Scene
from tests.endurance.site import new_site

# Does a fault to a scene that is empty still; returns what was seen.
Fault = Callable[[Scene], str]

FAULTS: tuple[Fault, ...] = (
    disks.fill_disk_while_serving,
    disks.fill_disk_during_import,
    disks.start_on_full_disk,
    disks.start_on_read_only_disk,
    disks.fail_writes_while_serving,
    files.damage_bundle,
    files.damage_unpacked_bundle,
    files.damage_stored_bundle,
    files.damage_kept_inputs,
    files.damage_database_head,
    files.damage_database_pages,
    files.flip_database_bits,
)
POSTGRESQL_FAULTS: tuple[Fault, ...] = ()


def run(fault: Fault, seed: int = 0, with_postgresql: bool = False) -> str:
    """Returns what was seen of a fault.

    Raises:
        AssertionError: when something else was seen than should be.
        Skipped: when it cannot be brought about here.
    """
    with tempfile.TemporaryDirectory() as folder, new_site(with_postgresql) as site:
        return fault(Scene(make_ground(site, Path(folder)), Path(folder), seed))
