"""Clients that misbehave towards a server as long as they are let: slow, silent, deaf or gone."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import grpc

from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.endurance.offering import TIMEOUT_S, Line

# So many of each; streams count among the calls that a server takes at once.
SLOW_COUNT = 4
HALF_OPEN_COUNT = 8
DEAF_COUNT = 16
VANISHING_COUNT = 4
# Seconds between the answers that a slow reader takes, and the longest life of a vanishing client.
_SLOW_S = 2.0
_LIFE_S = 0.3
# What a client of HTTP/2 says first, with an empty frame of settings.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"


class RudeClients:
    """Some of each kind against one server; those that lose their stream come again."""

    def __init__(self, address: str, photos: Sequence[bytes], seed: int) -> None:
        self._address = address
        self._photos = photos
        self._rng = random.Random(seed)
        self.ends: Counter[str] = Counter()

    @asynccontextmanager
    async def at_work(self) -> Any:
        """Has them misbehave inside, and takes them away."""
        kinds: list[tuple[str, int, Callable[[], Coroutine[Any, Any, None]]]] = [
            ("slow reader", SLOW_COUNT, self._read_slowly),
            ("half-open stream", HALF_OPEN_COUNT, self._rest),
            ("vanishing client", VANISHING_COUNT, self._vanish),
        ]
        with self._deaf():
            tasks = [
                asyncio.create_task(self._again(name, behave))
                for name, count, behave in kinds
                for _ in range(count)
            ]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, name: str, behave: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await behave()
                self.ends[f"{name} ended"] += 1
            except grpc.aio.AioRpcError as error:
                self.ends[f"{name} {error.code().name}"] += 1
                await asyncio.sleep(self._rng.uniform(0.5, 1.5))

    async def _read_slowly(self) -> None:
        """Asks for the whole catalogue and takes an answer now and then."""
        async with Line(self._address) as line:
            async for _ in line.catalog.ExportFeatures(catalog.ExportFeaturesRequest()):
                await asyncio.sleep(_SLOW_S)

    async def _rest(self) -> None:
        """Sends one row and then nothing, and never ends the stream."""

        async def rows() -> Any:
            yield catalog.UploadProductsRequest(
                row_number=1,
                product={"name": "products/rude", "category": "top"},
                content=self._photos[0],
            )
            await asyncio.Event().wait()

        async with Line(self._address) as line:
            async for _ in line.catalog.UploadProducts(rows()):
                pass

    async def _vanish(self) -> None:
        """Asks, and has closed the connection before the answer comes."""
        async with Line(self._address) as line:
            request = encoder.EmbedImageRequest(content=self._rng.choice(self._photos))
            call = line.encoder.EmbedImage(request, timeout=TIMEOUT_S)
            await asyncio.sleep(self._rng.uniform(0, _LIFE_S))
            call.cancel()
        # They are to be rude, not to be the load.
        await asyncio.sleep(self._rng.uniform(0.5, 1.5))

    @contextmanager
    def _deaf(self) -> Iterator[None]:
        """Opens connections that nobody reads; half of them say not even what they are."""
        host, _, port = self._address.rpartition(":")
        with ExitStack() as stack:
            for number in range(DEAF_COUNT):
                connection = stack.enter_context(socket.create_connection((host, int(port)), 10))
                if number % 2:
                    connection.sendall(_PREFACE)
            yield
