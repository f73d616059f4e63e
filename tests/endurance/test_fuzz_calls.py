"""Some hundred requests that no client would send; ``python -m tests.endurance.fuzz_calls``."""

from pathlib import Path

from google.protobuf import message_factory

from stylefacet.client import StylefacetClient
from tests.endurance.fuzz_calls import SERVICES, Requests, fuzz, running_server


def test_no_request_makes_the_server_fail(tmp_path: Path):
    server = running_server(tmp_path)
    try:
        ends = fuzz(server.address, count=300, seed=1)
        with StylefacetClient(server.address) as client:
            found = list(client.list_products())
    finally:
        server.stop()

    assert found
    # Requests that are refused at the first field would test little.
    assert ends["OK"] >= 10
    assert sum(ends.values()) == 300


def test_every_request_is_one_of_its_method():
    requests = Requests(seed=2)
    for service in SERVICES:
        for method in service.methods:
            content, is_damaged = requests.serialized(method)
            if not is_damaged:
                message_factory.GetMessageClass(method.input_type).FromString(content)
