"""A second encoder that stands ready, and shorthand for letting it serve."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from PIL import Image

from stylefacet.bundle import Bundle
from stylefacet.v1 import encoder_service_pb2 as pb
from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1.encoder_switch_pb2 import SwitchEncodersResponse
from tests.server.operations import Operations, response_of
from tests.server.stubs import Stubs, upload_row

INVALID = grpc.StatusCode.INVALID_ARGUMENT
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
Switch = Callable[..., Any]


def make_root(folder: Path, bundle: Bundle) -> Path:
    """Makes an import root with a bundle in it: as the folder next and as next.zip."""
    (folder / "next").mkdir(parents=True)
    with zipfile.ZipFile(folder / "next.zip", "w") as archive:
        for file in bundle.path.iterdir():
            (folder / "next" / file.name).write_bytes(file.read_bytes())
            archive.write(file, f"next/{file.name}")
    return folder


def install(stubs: Stubs, path: str = "next") -> str:
    """Installs a bundle that lies under the import root; returns the encoder's name."""
    return str(stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path=path)).name)


def switch(stubs: Stubs, operations: Operations, name: str, **fields: Any) -> Any:
    """Lets an encoder serve; returns what that did."""
    request = pb.ActivateEncoderRequest(name=name, **fields)
    ended = operations.wait(stubs.encoder.ActivateEncoder(request))
    return response_of(ended, SwitchEncodersResponse())


def roll_back(stubs: Stubs, operations: Operations, **fields: Any) -> Any:
    request = pb.RollbackEncoderRequest(**fields)
    ended = operations.wait(stubs.encoder.RollbackEncoder(request))
    return response_of(ended, SwitchEncodersResponse())


def default_encoder(stubs: Stubs) -> str:
    return str(stubs.encoder.GetEncoder(pb.GetEncoderRequest(name="encoders/default")).name)


def names(answer: Any) -> list[str]:
    return [hit.product.name for hit in answer.similar_products]


def fit(stubs: Stubs, name: str, count: int = 40, **fields: Any) -> feature_pb2.Feature:
    """Fits a feature whose value is whether the photo is light, on products p0, p1, …"""
    examples = [
        feature.FeatureExample(product=f"products/p{n}", value="light" if n % 2 else "dark")
        for n in range(count)
    ]
    request = feature.FitFeatureRequest(feature_id=name, examples=examples, **fields)
    return stubs.feature.FitFeature(request)


def shades(count: int) -> Iterator[Any]:
    """Rows of dark and light photos in turn."""
    for n in range(count):
        yield upload_row(n, shade(n))


def shade(n: int) -> bytes:
    level = np.random.default_rng(n).integers(0, 90, (32, 24, 3)) + (160 if n % 2 else 0)
    buffer = io.BytesIO()
    Image.fromarray(level.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
