"""A clock that jumps, forwards and back, under a server that stays; needs libfaketime."""

from dataclasses import replace
from pathlib import Path

from stylefacet.client import OperationState, Product, StylefacetClient
from tests.endurance.background import IMPORTED_COUNT, imported_state
from tests.endurance.faults.scene import Scene, Skipped, is_serving

_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
)
# Two years on, a day back, an hour before the first start.
_JUMPS = ("+2y", "-1d", "-1h", "+0")


def jump_while_serving(scene: Scene) -> str:
    """Writes, searches, imports and fits go on at any time of day, and none is lost."""
    offset = scene.folder / "offset"
    offset.write_text("+0\n")
    faked = scene.at(
        replace(
            scene.site,
            environment={
                "LD_PRELOAD": _library(),
                "FAKETIME_TIMESTAMP_FILE": str(offset),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            },
        )
    )
    years = set()
    with faked.site.server() as server, StylefacetClient(server.address) as client:
        faked.fill(client, "before")
        for number, jump in enumerate(_JUMPS):
            offset.write_text(f"{jump}\n")
            faked.fill(client, f"jump{number}-", 10)
            product = client.update_product(Product(f"jump{number}-0", display_name="again"))
            assert product.update_time is not None
            years.add(product.update_time.year)
            operation = client.import_on_server("photos", category="top")
            ended = client.wait_for_operation(operation.operation_id, timeout_s=60)
            assert ended.state is OperationState.SUCCEEDED, ended
            client.fit_feature(f"f{number}", {f"before{n}": "ab"[n % 2] for n in range(30)})
            for row in range(IMPORTED_COUNT):
                faked.products[f"i-{row}"] = imported_state(f"i-{row}")
            assert is_serving(server.address)
            faked.check(client)
        assert len(years) > 1, "the clock did not jump"
        assert not server.events("call failed")
        listed = {operation.operation_id for operation in client.list_operations()}
        assert len(listed) == len(_JUMPS), "an operation was forgotten"
    # Under the right time again.
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        faked.check(client)
    return f"{len(_JUMPS)} jumps ({', '.join(_JUMPS)}): nothing failed, nothing was lost"


def _library() -> str:
    for path in _LIBRARIES:
        if Path(path).is_file():
            return path
    raise Skipped("libfaketime is not installed (apt-get install libfaketime)")
