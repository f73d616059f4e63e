"""Every limited field at, below and beyond its limit, at a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefacet.bundle import Bundle
from stylefacet.client import Product, StylefacetClient
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.conftest import photo
from tests.endurance.field_limits import LIMITS, Limit
from tests.endurance.fuzz_calls import FAULTS, fill
from tests.endurance.photos import content, example_values
from tests.server.stubs import Stubs

OK, INVALID = grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT
QUICK = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def channel(
    tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[grpc.Channel]:
    folder = tmp_path_factory.mktemp("limits")
    root = _make_root(folder / "imports")
    server = Server(
        Settings(
            data_dir=folder / "data",
            bundle=tiny_bundle.path,
            address="127.0.0.1:0",
            worker_count=2,
            import_root=root,
            shutdown_grace_s=1.0,
        )
    )
    server.start()
    with StylefacetClient(server.address) as client:
        fill(client)
        for name in example_values():
            client.update_product(Product(name), allow_missing=True)
            client.create_image(name, content(name, "front"))
        client.fit_feature("light", example_values())
    with grpc.insecure_channel(server.address) as channel:
        yield channel
    server.stop()


def _make_root(root: Path) -> Path:
    root.mkdir()
    (root / "p0.png").write_bytes(photo(0))
    (root / "top.csv").write_text("product_id,image,category\np0,p0.png,top\n")
    return root


def end_of(channel: grpc.Channel, limit: Limit, value: Any) -> tuple[grpc.StatusCode, str]:
    """Returns the code a call with a value ends with, and the field that it names."""
    service, method = limit.method.split(".")
    stubs = Stubs(channel)
    stub: Any = {
        "CatalogService": stubs.catalog,
        "SimilarityService": stubs.similarity,
        "FeatureService": stubs.feature,
        "EncoderService": stubs.encoder,
        "Operations": operations_pb2_grpc.OperationsStub(channel),
    }[service]
    try:
        getattr(stub, method)(limit.request(value), timeout=30)
    except grpc.RpcError as error:
        status: Any = rpc_status.from_call(error)
        violations = error_details_pb2.BadRequest()
        for detail in status.details if status is not None else ():
            if detail.Is(violations.DESCRIPTOR):
                detail.Unpack(violations)
        field = violations.field_violations[0].field if violations.field_violations else ""
        return error.code(), field or error.details() or ""
    return OK, ""


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
@given(data=st.data())
@QUICK
def test_a_value_within_its_limits_is_taken_or_refused_for_what_it_speaks_of(
    channel: grpc.Channel, limit: Limit, data: st.DataObject
):
    code, field = end_of(channel, limit, data.draw(limit.within))

    assert code not in FAULTS, field
    assert code is not INVALID or limit.named not in field, field


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
@given(data=st.data())
@QUICK
def test_a_value_beyond_its_limits_is_invalid_and_named(
    channel: grpc.Channel, limit: Limit, data: st.DataObject
):
    code, field = end_of(channel, limit, data.draw(limit.beyond))

    assert code is INVALID, field
    assert limit.named in field
