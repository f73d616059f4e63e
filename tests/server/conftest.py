from collections.abc import Iterator

import pytest

from stylefacet.server.runtime import Server
from tests.server.stubs import Stubs, connect


@pytest.fixture
def stubs(server: Server) -> Iterator[Stubs]:
    with connect(server.address) as stubs:
        yield stubs
