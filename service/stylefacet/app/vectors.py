"""Finds the latent vectors that requests speak of: of products, images, photos; knows no RPC."""

import numpy as np
import numpy.typing as npt

from stylefacet.app.photos import PhotoEmbedder
from stylefacet.catalog.entities import ImageEmbedding, StoredQuery
from stylefacet.catalog.store import Store
from stylefacet.errors import EncoderMismatch, InvalidField, ResourceMissing

F32 = npt.NDArray[np.float32]
# In units of the prior's standard deviation: far beyond any photo, far below what overflows.
MAX_LATENT = 1e6


class VectorReader:
    """Reads vectors of one encoder. Thread-safe; holds no state of its own."""

    def __init__(self, store: Store, embedder: PhotoEmbedder) -> None:
        self._store = store
        self._embedder = embedder

    @property
    def encoder_id(self) -> str:
        """The encoder whose vectors these are."""
        return self._embedder.encoder.id

    def of_product(self, product_id: str) -> list[tuple[str, ImageEmbedding]]:
        """Returns image id and embedding of each of a product's images, in order of id.

        Raises:
            ResourceMissing: for an unknown product or one without an embedded image.
        """
        return self.read_query(product_id).embeddings

    def read_query(self, product_id: str) -> StoredQuery:
        """Returns what :meth:`of_product` does, with the product's key and the store's numbers.

        Raises:
            ResourceMissing: as :meth:`of_product`.
        """
        found = self._store.read_query(product_id, self.encoder_id)
        if not found.embeddings:
            raise ResourceMissing("image", f"products/{product_id}/images/-", "upload one first")
        return found

    def of_image(self, product_id: str, image_id: str) -> F32:
        """Returns the vector ``(d,)`` of one stored image.

        Raises:
            ResourceMissing: when it is not there, or the encoder has not embedded it.
        """
        for found, embedding in self._store.list_embeddings(product_id, self.encoder_id):
            if found == image_id:
                return embedding.mean
        raise ResourceMissing("image", f"products/{product_id}/images/{image_id}")

    def of_photo(self, content: bytes) -> F32:
        """Returns the vector ``(d,)`` of an encoded photo, which is not stored.

        Raises:
            ImageUndecodable, ImageTooLarge: as :func:`stylefacet.imaging.read_letterbox`.
        """
        return self._embedder.embed(content).mean

    def check(self, encoder_id: str, mean: F32) -> F32:
        """Returns a caller's own vector ``(d,)``, found to be one of this encoder.

        Raises:
            EncoderMismatch: for a vector of another encoder.
            InvalidField: for a vector of another length, or with a NaN or a huge number.
        """
        encoder = self._embedder.encoder
        if encoder_id not in (encoder.id, "default"):
            raise EncoderMismatch("the embedding", encoder_id, encoder.id, "embed the image again")
        d = encoder.manifest.latent_dimension_count
        if mean.shape != (d,):
            raise InvalidField(
                "embedding.mean", f"has {len(mean)} numbers; this encoder's vectors have {d}"
            )
        # Not `abs > MAX_LATENT`: a NaN must not pass.
        if not (np.abs(mean) <= MAX_LATENT).all():
            raise InvalidField("embedding.mean", f"send {d} numbers within {MAX_LATENT:,.0f}")
        return mean
