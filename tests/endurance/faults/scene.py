"""What every fault is done to: a server's site, what was acknowledged there, how to look at it."""

import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from stylefacet.client import Product, RetryPolicy, StylefacetClient, UploadRow
from stylefacet.client.transport import error_of
from stylefacet.errors import StylefacetError
from stylefacet.v1 import encoder_service_pb2
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub
from tests.endurance.crash import Ground
from tests.endurance.examiner import Examiner
from tests.endurance.expectation import ProductState
from tests.endurance.photos import content
from tests.endurance.site import Site
from tests.postgresql import Cluster

# Long enough for one attempt, too short for the next one after the delay that a server asks for.
CALL_S = 4.0


class Skipped(Exception):
    """A fault that cannot be brought about here, and why."""


@dataclass
class Scene:
    """A site, and the products that servers acknowledged there. ``seed`` makes what is random."""

    ground: Ground
    folder: Path
    seed: int
    cluster: Cluster | None = None
    products: dict[str, ProductState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self._examiner = Examiner(list(self.ground.bundles.values()))

    @property
    def site(self) -> Site:
        """Where servers run."""
        return self.ground.site

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.site.data_dir / "catalogue.db"

    def at(self, site: Site) -> "Scene":
        """Returns an empty scene with the same encoders at another site."""
        return Scene(replace(self.ground, site=site), self.folder, self.seed, self.cluster)

    def upload(self, client: StylefacetClient, names: list[str]) -> list[StylefacetError]:
        """Uploads products with a photo each; notes what is acknowledged, returns what failed."""
        rows = [UploadRow(n, Product(name), _reader(name), "front") for n, name in enumerate(names)]
        failures = []
        for outcome in client.upload(rows):
            if outcome.error is None:
                self.products[outcome.product_id] = ProductState("", frozenset(["front"]))
            else:
                failures.append(outcome.error)
        return failures

    def fill(self, client: StylefacetClient, prefix: str = "p", count: int = 30) -> None:
        """Uploads products, all of which must be taken."""
        failures = self.upload(client, [f"{prefix}{n}" for n in range(count)])
        assert not failures, failures[0]

    def check(self, client: StylefacetClient) -> None:
        """Raises AssertionError unless all that was acknowledged is there, and nothing else."""
        found = self._examiner.look(client, self.rng)
        lost = {n: s for n, s in self.products.items() if found.products.get(n) != s}
        more = sorted(found.products.keys() - self.products.keys())
        assert not lost, f"acknowledged, but not there: {sorted(lost)[:5]} of {len(lost)}"
        assert not more, f"there, but never acknowledged: {more[:5]} of {len(more)}"


def _reader(name: str) -> Callable[[], bytes]:
    return lambda: content(name, "front")


def impatient(address: str) -> StylefacetClient:
    """Returns a client that tells of a failure at once instead of trying again."""
    return StylefacetClient(address, timeout_s=CALL_S, retry=RetryPolicy(attempts=1))


def failure_of(call: Callable[[], object]) -> StylefacetError:
    """Returns what a call fails with; AssertionError if it does not."""
    failure: StylefacetError | None = None
    try:
        call()
    except StylefacetError as error:
        failure = error
    assert failure is not None, "the call succeeds"
    assert failure.reason != "INTERNAL", f"an internal error: {failure}"
    return failure


def install_failure(address: str, path: str) -> str:
    """Returns the reason for which a server does not install a bundle under its import root.

    Without the client, which would wait for ten minutes until the server has room.
    """
    request = encoder_service_pb2.InstallEncoderRequest(path=path)
    with grpc.insecure_channel(address) as channel:
        try:
            EncoderServiceStub(channel).InstallEncoder(request, timeout=60)
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            return error_of(status).reason if status is not None else f"{error}"
    return ""


def is_serving(address: str) -> bool:
    """Returns what health says."""
    with grpc.insecure_channel(address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=CALL_S
        )
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def flip_bit(path: Path, offset: int, bit: int = 3) -> None:
    """Turns one bit of a file over."""
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


def tear(path: Path, share: float = 0.5) -> None:
    """Cuts a file off."""
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[Path]:
    """Yields a folder on a disk of its own; needs the right to mount.

    Raises:
        Skipped: without it.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "stylefacet-test", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Skipped("there is no mount command") from error
    if done.returncode != 0:
        raise Skipped(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
