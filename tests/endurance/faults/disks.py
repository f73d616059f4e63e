"""Disks that are full, take no writes, or are mounted read-only."""

import resource
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from stylefacet.client import OperationState, Product, StylefacetClient
from stylefacet.errors import StoreFull, StoreUnwritable
from tests.endurance.background import IMPORTED_COUNT, imported_state
from tests.endurance.faults.scene import (
    Scene,
    failure_of,
    impatient,
    install_failure,
    is_serving,
    small_disk,
)

_DISK_MIB = 12


def fill_disk_while_serving(scene: Scene) -> str:
    """The disk is full for a while: writes are refused, all else goes on, then writes do."""
    with small_disk(scene.folder / "disk", _DISK_MIB) as disk:
        scene = scene.at(replace(scene.site, data_dir=disk / "data"))
        with scene.site.server() as server, impatient(server.address) as client:
            scene.fill(client)
            _take_all_room(disk)
            upload = failure_of(lambda: scene.upload(client, [f"q{n}" for n in range(100)]))
            update = failure_of(lambda: client.update_product(_large("q"), allow_missing=True))
            for error in (upload, update):
                assert isinstance(error, StoreFull), error
            other = list(scene.ground.bundles.values())[1]
            shutil.copytree(other, scene.ground.import_root / "other")
            assert install_failure(server.address, "other") == StoreFull.reason
            assert is_serving(server.address)
            scene.check(client)
            (disk / "ballast").unlink()
            scene.fill(client, "r")
            scene.check(client)
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            scene.check(client)
    return f"{update.reason}: {update.message}; searches go on, and writes once there is room"


def fill_disk_during_import(scene: Scene) -> str:
    """An import on the server waits for room and goes on by itself."""
    with small_disk(scene.folder / "disk", _DISK_MIB) as disk:
        scene = scene.at(replace(scene.site, data_dir=disk / "data"))
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            started = client.import_on_server("photos", category="top")
            _take_all_room(disk)
            time.sleep(3)
            waiting = client.get_operation(started.operation_id)
            assert waiting.state is OperationState.RUNNING, waiting
            (disk / "ballast").unlink()
            done = client.wait_for_operation(started.operation_id, timeout_s=60)
            assert done.imported is not None
            assert done.imported.created_count == IMPORTED_COUNT, done.imported
            scene.products |= {
                name: imported_state(name)
                for name in (f"i-{number}" for number in range(IMPORTED_COUNT))
            }
            scene.check(client)
    return f"it waits after {waiting.done_count} rows, then all {IMPORTED_COUNT} are imported"


def start_on_full_disk(scene: Scene) -> str:
    """A server does not start on a full disk, and does when there is room."""
    with small_disk(scene.folder / "disk", _DISK_MIB) as disk:
        scene = scene.at(replace(scene.site, data_dir=disk / "data"))
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            scene.fill(client)
        _take_all_room(disk)
        told = scene.site.refusal()
        assert "room" in told, told
        (disk / "ballast").unlink()
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            scene.check(client)
    return f"refuses to start: {told}"


def start_on_read_only_disk(scene: Scene) -> str:
    """A server does not start on a disk that is mounted read-only."""
    with small_disk(scene.folder / "disk", _DISK_MIB) as disk:
        scene = scene.at(replace(scene.site, data_dir=disk / "data"))
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            scene.fill(client)
        _mount_again(disk, "ro")
        told = scene.site.refusal()
        assert "mounted for writing" in told, told
        _mount_again(disk, "rw")
        shutil.rmtree(disk / "data" / "encoders", ignore_errors=True)
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            scene.check(client)
    return f"refuses to start: {told}"


def fail_writes_while_serving(scene: Scene) -> str:
    """The disk takes no writes for a while: an I/O error at each."""
    with scene.site.server() as server, impatient(server.address) as client:
        scene.fill(client)
        pid = server.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        update = failure_of(lambda: client.update_product(Product("q"), allow_missing=True))
        upload = failure_of(lambda: scene.upload(client, [f"q{n}" for n in range(20)]))
        delete = failure_of(lambda: client.delete_product("p0"))
        for error in (update, upload, delete):
            assert isinstance(error, StoreUnwritable), error
        scene.check(client)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        scene.fill(client, "r")
        scene.check(client)
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.check(client)
    return f"{update.reason}: {update.message}; searches go on, and writes with the disk"


def _take_all_room(disk: Path) -> None:
    """Fills a disk to the last byte."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        size = 1 << 20
        while size:
            try:
                if ballast.write(b"\0" * size) < size:
                    size //= 2
            except OSError:
                size //= 2


def _mount_again(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def _large(name: str) -> Product:
    return Product(name, labels={f"label{n}": "x" * 60 for n in range(20)})
