"""Sends a real server requests that no client would: ``python -m tests.endurance.fuzz_calls``.

Requests of every RPC are made from its descriptor, each field with a value at, beyond or beside
its limits, and a tenth of them has bytes flipped as well. Whatever comes back must be an answer or
an error of the contract: never UNKNOWN or INTERNAL, which are the server's own faults; and at the
end the server must still answer, without having grown beyond bound.
"""

import argparse
import logging
import math
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from stylefacet.bundle import write_bundle
from stylefacet.client import Product, StylefacetClient
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import (
    catalog_service_pb2,
    encoder_service_pb2,
    feature_service_pb2,
    similarity_service_pb2,
)
from tests.conftest import photo
from tests.tiny_bundle import tiny_bundle_parts

SERVICES = tuple(
    service
    for module in (
        catalog_service_pb2,
        encoder_service_pb2,
        feature_service_pb2,
        similarity_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)
# The server's own faults: no request may bring them about.
FAULTS = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS)
# What gRPC itself says of bytes that are no message, before the service sees them.
_NOT_PARSED = "Exception deserializing request!"
_DEADLINE_S = 10.0
_MAX_DEPTH = 4
_TEXTS = (
    "",
    " ",
    "p1",
    "products/p1",
    "products/p2",
    "products/-",
    "products/p1/images/front",
    "products/",
    "encoders/default",
    "features/collar",
    "features/fitted",
    "operations/x",
    "../../etc/passwd",
    "products/../p1",
    "\0",
    "\ufeff\u202e",
    "=1+1",
    "<script>alert(1)</script>",
    "'; DROP TABLE products; --",
    "a" * 300,
    "b" * 70_000,
    'labels.kind = "a"',
    'category = "top" AND NOT labels.kind = "b"',
    "((((",
    "NOT " * 2000,
    "(" * 2000 + ")" * 2000,
    "labels.",
    "collar",
    "*",
    "labels,category",
    "CAIQ",
    "😀" * 50,
)
_INTEGERS = (0, 1, 2, -1, 50, 1000, 2**31 - 1, -(2**31))
_FLOATS = (0.0, 1.0, -1.0, 0.5, 1e-300, 1e38, math.inf, -math.inf, math.nan)
_BYTES = (b"", b"\0", b"\xff\xd8\xff", photo(1), photo(2)[:-20])


class Requests:
    """Makes requests of any RPC, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def serialized(self, method: MethodDescriptor) -> tuple[bytes, bool]:
        """Returns a request's bytes, and whether they were damaged."""
        content = bytearray(self._message(method.input_type, 0).SerializeToString())
        is_damaged = bool(content) and self.rng.random() < 0.1
        if is_damaged:
            for _ in range(self.rng.randint(1, 3)):
                content[self.rng.randrange(len(content))] = self.rng.randrange(256)
        return bytes(content), is_damaged

    def _message(self, descriptor: Any, depth: int) -> Any:
        message = message_factory.GetMessageClass(descriptor)()
        for field in descriptor.fields:
            # A few fields at a time: what is wrong with one must not hide the others.
            if self.rng.random() < (0.5 if depth else 0.6):
                self._fill(message, field, depth)
        return message

    def _fill(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        if field.is_repeated:
            self._fill_repeated(message, field, depth)
        elif field.message_type is not None:
            if depth < _MAX_DEPTH:
                getattr(message, field.name).CopyFrom(self._message(field.message_type, depth + 1))
        else:
            setattr(message, field.name, self._value(field))

    def _fill_repeated(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        count = self.rng.choice((0, 1, 1, 2, 3, 30))
        values = getattr(message, field.name)
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
            for _ in range(count):
                if value.message_type is None:
                    values[self._value(key)] = self._value(value)
        elif kind is not None:
            if depth < _MAX_DEPTH:
                values.extend(self._message(kind, depth + 1) for _ in range(min(count, 3)))
        else:
            values.extend(self._value(field) for _ in range(count))

    def _value(self, field: FieldDescriptor) -> Any:
        rng, kind = self.rng, field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return rng.choice(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else _TEXTS)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return rng.choice((0, 1, 2, 3, 99, -1))
        if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
            return rng.choice(_FLOATS)
        value = rng.choice(_INTEGERS)
        is_unsigned = kind in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)
        return abs(value) if is_unsigned else value


def call(channel: Any, method: MethodDescriptor, requests: list[bytes]) -> grpc.StatusCode:
    """Returns how a call with these requests ended; raises AssertionError at a fault of the server.

    A stream's answers are read to its end.
    """
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.client_streaming:
            make = channel.stream_stream if method.server_streaming else channel.stream_unary
            answer = make(path)(iter(requests), timeout=_DEADLINE_S)
        else:
            made = channel.unary_stream if method.server_streaming else channel.unary_unary
            answer = made(path)(requests[0], timeout=_DEADLINE_S)
        if method.server_streaming:
            for _ in answer:
                pass
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        is_fault = code in FAULTS and details != _NOT_PARSED
        assert not is_fault, f"{path}: {code.name} {details!r} to {requests[0][:2000]!r}"
        return code
    return grpc.StatusCode.OK


def fuzz(
    address: str, count: int, seed: int, told: Callable[[int], None] = lambda done: None
) -> Counter[str]:
    """Returns how many calls ended with which code; raises AssertionError at a server's fault."""
    requests = Requests(seed)
    methods = [method for service in SERVICES for method in service.methods]
    ends: Counter[str] = Counter()
    with grpc.insecure_channel(address) as channel:
        for number in range(count):
            method = methods[number % len(methods)]
            length = requests.rng.randint(1, 5) if method.client_streaming else 1
            some = [requests.serialized(method)[0] for _ in range(length)]
            ends[call(channel, method, some).name] += 1
            told(number)
    return ends


def fill(client: StylefacetClient) -> None:
    """Writes what requests may name: products with photos, a fitted feature."""
    values = {}
    for number in range(1, 13):
        product = Product(f"p{number}", category="top", labels={"kind": "ab"[number % 2]})
        client.update_product(product, allow_missing=True)
        client.create_image(product.product_id, photo(number), "front")
        values[product.product_id] = "ab"[number % 2]
    client.fit_feature("fitted", values)


def running_server(folder: Path) -> Server:
    """Returns a started server with a catalogue in a folder."""
    bundle = write_bundle(folder / "bundle", **tiny_bundle_parts(seed=0))
    imports = folder / "imports"
    imports.mkdir()
    server = Server(
        Settings(
            data_dir=folder / "data",
            bundle=bundle.path,
            address="127.0.0.1:0",
            worker_count=2,
            import_root=imports,
            shutdown_grace_s=1.0,
        )
    )
    server.start()
    with StylefacetClient(server.address) as client:
        fill(client)
    return server


def main() -> None:
    """Fuzzes and tells how the calls ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)

    def told(number: int) -> None:
        if number % 500 == 0:
            print(f"\r{number:,}/{options.count:,}", end="", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        server = running_server(Path(folder))
        before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.monotonic()
        ends = fuzz(server.address, options.count, options.seed, told)
        elapsed_s = time.monotonic() - start
        with StylefacetClient(server.address) as client:
            client.get_encoder()
        server.stop()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told_ends = ", ".join(f"{name} {count:,}" for name, count in ends.most_common())
    print(
        f"\n{options.count:,} calls of seed {options.seed}: {told_ends}; memory of server and "
        f"caller {before_mib:.0f} MiB before, at most {peak_mib:.0f} MiB; {elapsed_s:.0f} s"
    )


if __name__ == "__main__":
    main()
