from collections.abc import Iterator

import pytest

from stylefacet.client import StylefacetClient
from stylefacet.server.runtime import Server


@pytest.fixture
def client(server: Server) -> Iterator[StylefacetClient]:
    with StylefacetClient(server.address) as client:
        yield client
