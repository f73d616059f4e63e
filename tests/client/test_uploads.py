from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from stylefacet.client import Outcome, Product, StylefacetClient, UploadRow
from stylefacet.errors import ImageTooLarge, ImageUndecodable, InvalidField, ServerUnreachable
from stylefacet.limits import MAX_IMAGE_BYTES
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.client.rows import upload_row
from tests.conftest import photo


def outcomes_of(client: StylefacetClient, rows: list[UploadRow]) -> list[Outcome]:
    return [o.outcome for o in sorted(client.upload(rows), key=lambda o: o.row_number)]


def test_rows_are_created_then_unchanged_then_updated(client: StylefacetClient):
    first = [upload_row(n) for n in range(5)]
    renamed = [replace(row, product=replace(row.product, display_name="New")) for row in first]

    assert outcomes_of(client, first) == [Outcome.CREATED] * 5
    assert outcomes_of(client, first) == [Outcome.UNCHANGED] * 5
    assert outcomes_of(client, renamed) == [Outcome.UPDATED] * 5


def test_outcome_names_product_and_image(client: StylefacetClient):
    (outcome,) = client.upload([upload_row(7)])

    assert outcome.product_id == "p7"
    assert outcome.image_name.startswith("products/p7/images/")
    assert outcome.sequence_number > 0


def test_bad_rows_fail_alone(client: StylefacetClient):
    def missing() -> bytes:
        raise FileNotFoundError(2, "No such file", "x.jpg")

    rows = [
        upload_row(0),
        upload_row(1, b"text"),
        upload_row(2, b""),
        upload_row(3, b"\0" * (MAX_IMAGE_BYTES + 1)),
        UploadRow(4, Product("p4", "top"), missing),
        UploadRow(5, Product("a b", "top")),
        UploadRow(6, Product("p6", "\ud800")),
        upload_row(7),
    ]

    errors = {o.row_number: o.error for o in client.upload(rows)}

    kinds = [type(errors[n]) for n in range(8)]
    assert kinds[0] is kinds[7] is type(None)
    assert kinds[1:4] == [ImageUndecodable, ImageUndecodable, ImageTooLarge]
    assert kinds[4:7] == [InvalidField] * 3


def test_upload_of_nothing_is_no_error(client: StylefacetClient):
    assert outcomes_of(client, []) == []


def test_photos_are_read_when_their_turn_comes(client: StylefacetClient):
    read: list[int] = []
    answered = 0
    ahead = []

    def read_photo(number: int) -> bytes:
        read.append(number)
        return photo(number)

    rows = (UploadRow(n, Product(f"p{n}", "top"), partial(read_photo, n)) for n in range(60))
    for _ in client.upload(rows, read_ahead=4):
        ahead.append(len(read) - answered)
        answered += 1

    assert answered == 60
    assert max(ahead) <= 4 + 1


def test_failure_of_the_rows_themselves_reaches_the_caller(client: StylefacetClient):
    def rows() -> Iterator[UploadRow]:
        yield upload_row(0)
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        list(client.upload(rows()))


def test_row_number_given_twice_is_refused(client: StylefacetClient):
    slow = iter([upload_row(1), upload_row(1)])

    with pytest.raises(InvalidField, match="1 came twice"):
        list(client.upload(slow, read_ahead=8))


def test_caller_may_stop_early(client: StylefacetClient):
    upload = client.upload(upload_row(n) for n in range(1000))

    first = next(upload)
    upload.close()  # type: ignore[attr-defined]  # a generator, typed as an iterator

    assert first.error is None
    assert client.get_product(first.product_id)


def test_nobody_listening_ends_the_upload():
    with StylefacetClient("127.0.0.1:1") as client, pytest.raises(ServerUnreachable):
        list(client.upload([upload_row(0)]))


def test_upload_goes_on_after_the_server_was_restarted(settings: Settings):
    first = Server(replace(settings, shutdown_grace_s=0.05))
    first.start()
    # The second server takes over the port and the store of the first.
    second: list[Server] = []

    def rows() -> Iterator[UploadRow]:
        for n in range(40):
            if n == 20:
                first.stop()
                second.append(Server(replace(settings, address=first.address)))
                second[0].start()
            yield upload_row(n)

    with StylefacetClient(first.address) as client:
        outcomes = list(client.upload(rows(), read_ahead=8))
        stored = [p.product_id for p in client.list_products()]
    second[0].stop()

    assert sorted(o.row_number for o in outcomes) == list(range(40))
    assert {o.error for o in outcomes} == {None}
    assert len(stored) == 40
