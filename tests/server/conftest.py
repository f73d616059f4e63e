"""Fixtures of the tests at a running server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from stylefacet.bundle import Bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.server.operations import Operations
from tests.server.stubs import Stubs, connect
from tests.server.switches import Switch, install, make_root, switch


@pytest.fixture
def stubs(server: Server) -> Iterator[Stubs]:
    with connect(server.address) as stubs:
        yield stubs


@pytest.fixture
def operations(server: Server) -> Iterator[Operations]:
    with grpc.insecure_channel(server.address) as channel:
        yield Operations(channel)


@pytest.fixture
def bundle_root(tmp_path: Path, other_bundle: Bundle) -> Path:
    """An import root with a second encoder's bundle."""
    return make_root(tmp_path / "bundles", other_bundle)


@pytest.fixture
def switchable(settings: Settings, bundle_root: Path) -> Settings:
    """Settings of a server that can install the second encoder."""
    return replace(settings, import_root=bundle_root, operation_lease_s=1.0)


@pytest.fixture
def installed(stubs: Stubs) -> str:
    """The name of the second encoder, installed; wants `switchable` settings."""
    return install(stubs)


@pytest.fixture
def activate(stubs: Stubs, operations: Operations, installed: str) -> Switch:
    """Lets the second encoder serve; returns what that did."""

    def run(**fields: Any) -> Any:
        return switch(stubs, operations, installed, **fields)

    return run
