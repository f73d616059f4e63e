"""Offers a server calls from one process, in a closed or an open loop; knows what each ends with.

The open loop sends at random moments whatever the server does, as the world does: callers who
wait for answers before they ask again would hide how slow a server has become.
"""

import asyncio
import io
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from PIL import Image

from stylefacet.limits import CHANNEL_OPTIONS
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import (
    catalog_service_pb2_grpc,
    encoder_service_pb2_grpc,
    feature_service_pb2_grpc,
    similarity_service_pb2_grpc,
)
from stylefacet.v1 import encoder_service_pb2 as encoder
from stylefacet.v1 import similarity_service_pb2 as similarity

# CC0 photos of tops, where they lie beside the repository.
PHOTO_FOLDER = Path("../shared/data/clothing_cc0_tops/images")
PHOTO_COUNT = 64
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: when it was sent, how long it took, and what it ended with."""

    kind: str
    sent_s: float
    took_s: float
    # A status code's name, with `!` after it for a refusal that does not say when to come back.
    code: str


class Line:
    """An asynchronous channel to a server with its stubs. Channels share no connection."""

    def __init__(self, address: str) -> None:
        options = [*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.aio.insecure_channel(address, options=options)
        # Any: the stubs of the generated code are typed for synchronous channels.
        channel: Any = self.channel
        self.catalog: Any = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self.encoder: Any = encoder_service_pb2_grpc.EncoderServiceStub(channel)
        self.feature: Any = feature_service_pb2_grpc.FeatureServiceStub(channel)
        self.similarity: Any = similarity_service_pb2_grpc.SimilarityServiceStub(channel)

    async def __aenter__(self) -> "Line":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()


# A call of some kind: made with the line it goes over and a source of chance.
Call = Callable[[Line, random.Random], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Mix:
    """Kinds of calls, each with how often it comes among them."""

    calls: Mapping[str, Call]
    weights: Mapping[str, float]

    def choose(self, rng: random.Random) -> str:
        """Draws a kind."""
        return rng.choices(list(self.weights), list(self.weights.values()))[0]


def read_photos(seed: int, folder: Path = PHOTO_FOLDER) -> list[bytes]:
    """Returns photos as cameras send them: real ones where they are, rendered ones elsewhere."""
    rng = random.Random(seed)
    paths = sorted(folder.glob("*.jpg"))
    if paths:
        return [path.read_bytes() for path in rng.sample(paths, PHOTO_COUNT)]
    return [_rendered(rng.randrange(2**32)) for _ in range(PHOTO_COUNT)]


def _rendered(seed: int) -> bytes:
    """A JPEG of soft blocks with a camera's noise, 192x256 pixels."""
    rng = np.random.default_rng(seed)
    blocks = Image.fromarray(rng.integers(0, 255, (8, 6, 3), dtype=np.uint8))
    smooth = np.asarray(blocks.resize((192, 256), Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def reading_mix(photos: Sequence[bytes], product_count: int) -> Mix:
    """Returns what shoppers ask: embeddings, and searches by a photo and by a product."""

    async def embed(line: Line, rng: random.Random) -> None:
        request = encoder.EmbedImageRequest(content=rng.choice(photos))
        await line.encoder.EmbedImage(request, timeout=TIMEOUT_S)

    async def search_by_photo(line: Line, rng: random.Random) -> None:
        request = similarity.SearchSimilarProductsRequest(content=rng.choice(photos))
        await line.similarity.SearchSimilarProducts(request, timeout=TIMEOUT_S)

    async def search_by_product(line: Line, rng: random.Random) -> None:
        name = f"products/p{rng.randrange(product_count)}"
        request = similarity.SearchSimilarProductsRequest(product=name)
        await line.similarity.SearchSimilarProducts(request, timeout=TIMEOUT_S)

    return Mix(
        {
            "embed": embed,
            "search by photo": search_by_photo,
            "search by product": search_by_product,
        },
        {"embed": 6, "search by photo": 3, "search by product": 1},
    )


async def fill(line: Line, photos: Sequence[bytes], product_count: int) -> None:
    """Uploads products p0, p1, … with a photo each."""

    async def rows() -> Any:
        for number in range(product_count):
            product = {"name": f"products/p{number}", "category": "top", "labels": {"round": "0"}}
            yield catalog.UploadProductsRequest(
                row_number=number, product=product, content=photos[number % len(photos)]
            )

    async for answer in line.catalog.UploadProducts(rows()):
        assert answer.status.code == 0, answer.status.message


async def attempt(kind: str, call: Call, line: Line, rng: random.Random) -> Outcome:
    """Makes one call and notes how it ended."""
    sent_s = time.monotonic()
    try:
        await call(line, rng)
        code = "OK"
    except grpc.aio.AioRpcError as error:
        code = error.code().name
        if error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE):
            code += "" if _tells_when(error) else "!"
    return Outcome(kind, sent_s, time.monotonic() - sent_s, code)


async def closed_loop(
    lines: Sequence[Line], mix: Mix, caller_count: int, seconds: float, seed: int
) -> list[Outcome]:
    """Has callers ask one call after another; returns how all of them ended."""
    outcomes: list[Outcome] = []
    end_s = time.monotonic() + seconds

    async def caller(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        while time.monotonic() < end_s:
            kind = mix.choose(rng)
            line = lines[number % len(lines)]
            outcomes.append(await attempt(kind, mix.calls[kind], line, rng))

    await asyncio.gather(*map(caller, range(caller_count)))
    return outcomes


async def open_loop(
    lines: Sequence[Line],
    mix: Mix,
    rate: float,
    seconds: float,
    seed: int,
    all_sent: asyncio.Event | None = None,
) -> list[Outcome]:
    """Sends calls at random moments, so many a second on average; waits for all of them.

    On a machine that is too busy it takes longer than ``seconds``: ``all_sent`` is set in the end.
    """
    rng = random.Random(seed)
    outcomes: list[Outcome] = []
    under_way: set[asyncio.Task[None]] = set()

    async def send(kind: str, line: Line, own: random.Random) -> None:
        outcomes.append(await attempt(kind, mix.calls[kind], line, own))

    began_s = time.monotonic()
    due_s = began_s
    while (due_s := due_s + rng.expovariate(rate)) < began_s + seconds:
        late_s = time.monotonic() - due_s
        if late_s < 0:
            await asyncio.sleep(-late_s)
        kind = mix.choose(rng)
        task = asyncio.create_task(send(kind, rng.choice(lines), random.Random(rng.random())))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        if late_s > 0.005:
            # The loop has to turn for anything to be sent and answered.
            await asyncio.sleep(0)
    if all_sent is not None:
        all_sent.set()
    while under_way:
        await asyncio.wait(under_way)
    return outcomes


def percentile_ms(outcomes: Sequence[Outcome], share: float) -> float:
    """Returns the time within which that share of calls ended, in milliseconds."""
    if not outcomes:
        return float("nan")
    return round(float(np.percentile([o.took_s for o in outcomes], share * 100)) * 1e3, 2)


def _tells_when(error: grpc.aio.AioRpcError) -> bool:
    status = rpc_status.from_call(error)
    return status is not None and any(
        detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details
    )
