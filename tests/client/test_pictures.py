import io

import pytest
from PIL import Image

from stylefacet.client import PictureSource, StylefacetClient, TraversalPath
from stylefacet.errors import EncoderMismatch, InvalidField, ResourceMissing
from tests.client.rows import fill
from tests.conftest import photo


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return picture.size


def test_picture_is_drawn_from_whatever_is_given(client: StylefacetClient):
    fill(client, 2)
    embedding = client.embed(photo(1))
    image = next(client.list_images("p1"))

    frames = [
        client.decode(product="p1"),
        client.decode(image_name=image.name),
        client.decode(content=photo(1)),
        client.decode(embedding=embedding),
    ]

    assert len({frame.png for frame in frames}) == 1
    assert size_of(frames[0].png) == (24, 32)
    assert frames[0].embedding.mean == embedding.mean


def test_frame_of_a_traversal_can_be_searched_by(client: StylefacetClient):
    fill(client, 25)

    traversal = client.traverse("collar", product="p3", frame_count=3, direction_count=2)
    frame = traversal.traversals[1].frames[2]
    hits = client.search(embedding=frame.frame.embedding, limit=5).hits

    assert [len(t.frames) for t in traversal.traversals] == [3, 3]
    assert [f.position for f in traversal.traversals[0].frames] == [-2, 0, 2]
    assert traversal.start.png == client.decode(product="p3").png
    assert traversal.encoder == client.get_encoder().encoder_id
    assert len(hits) == 5


def test_traversal_goes_through_the_values_of_a_fitted_feature(client: StylefacetClient):
    fill(client, 60)
    depths = {f"p{n}": client.embed(photo(n)).mean[0] for n in range(60)}
    ranked = sorted(depths, key=lambda product: depths[product])
    client.fit_feature("depth", {p: ("c", "a", "b")[i // 20] for i, p in enumerate(ranked)})

    automatic = client.traverse("depth", product="p0").traversals[0]
    ordered = client.traverse("depth", product="p0", order=["c", "a", "b"]).traversals[0]
    axes = client.traverse("depth", path=TraversalPath.AXES).traversals

    assert [f.value for f in automatic.frames] == ["a", "b", "c"]
    assert (ordered.low_value, ordered.high_value) == ("c", "b")
    assert len(axes) == 2


def test_interpolation_ends_at_both_garments(client: StylefacetClient):
    fill(client, 2)

    frames = client.interpolate(PictureSource(product="p0"), PictureSource(content=photo(1)), 4)

    assert len(frames) == 4
    assert frames[0].png == client.decode(product="p0").png
    assert frames[-1].png == client.decode(product="p1").png


def test_errors_are_those_of_the_server(client: StylefacetClient, other_bundle):
    embedding = client.embed(photo(1))
    foreign = type(embedding)(other_bundle.id, embedding.mean, 0.0)

    with pytest.raises(EncoderMismatch):
        client.decode(embedding=foreign)
    with pytest.raises(ResourceMissing, match="hem"):
        client.traverse("hem")
    with pytest.raises(InvalidField, match="frame_count"):
        client.traverse("collar", frame_count=99)


@pytest.mark.parametrize("given", [{}, {"product": "p0", "content": b"x"}])
def test_picture_of_nothing_or_of_two_things_is_refused(client: StylefacetClient, given: dict):
    with pytest.raises(InvalidField, match="exactly one"):
        client.decode(**given)


def test_number_that_cannot_be_sent_is_a_field_error(client: StylefacetClient):
    with pytest.raises(InvalidField, match="traversal"):
        client.traverse("collar", frame_count=2**40)
