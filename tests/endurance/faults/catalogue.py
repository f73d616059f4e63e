"""The list of all faults, and how one is done."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from stylefacet.bundle import write_bundle
from tests.endurance.crash import make_ground
from tests.endurance.faults import clocks, disks, files, postgresql
from tests.endurance.faults.scene import Scene, Skipped
from tests.endurance.site import Site, new_site
from tests.postgresql import running_cluster
from tests.tiny_bundle import tiny_bundle_parts

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
    files.damage_stored_vectors,
    files.damage_database_head,
    files.damage_log,
    files.damage_database_pages,
    files.flip_database_bits,
    clocks.jump_while_serving,
)
POSTGRESQL_FAULTS: tuple[Fault, ...] = (
    postgresql.kill_while_serving,
    postgresql.kill_during_upload_and_import,
    postgresql.kill_during_switch,
    postgresql.start_while_away,
)


def run(fault: Fault, seed: int = 0, with_postgresql: bool = False) -> str:
    """Returns what was seen of a fault.

    Raises:
        AssertionError: when something else was seen than should be.
        Skipped: when it cannot be brought about here.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, cluster = Path(name), None
        if with_postgresql:
            cluster = stack.enter_context(running_cluster())
            if not cluster.is_own:
                raise Skipped("the database's server belongs to somebody else")
            bundle = write_bundle(folder / "bundle", **tiny_bundle_parts(seed=0)).path
            site = Site(bundle, folder / "data", cluster.new_database())
        else:
            site = stack.enter_context(new_site())
        return fault(Scene(make_ground(site, folder), folder, seed, cluster))
