"""The client's calls about encoders: what is installed, what serves, and single embeddings."""

import io
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stylefacet.client import conversions as convert
from stylefacet.client.conversions import build, optional_name, resource_name
from stylefacet.client.embeds import READ_AHEAD_PHOTOS, EmbedWork
from stylefacet.client.operation_values import Operation
from stylefacet.client.operations import operation_value
from stylefacet.client.streams import ResumedStream
from stylefacet.client.transport import Transport
from stylefacet.client.values import Embedding, EmbedOutcome, Encoder
from stylefacet.errors import InvalidField
from stylefacet.limits import MAX_BUNDLE_BYTES
from stylefacet.v1 import encoder_service_pb2 as encoder_pb
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub

_LIST_PAGE = 1000
_PIECE_BYTES = 2**20
# Sending a bundle, and having its golden outputs replayed.
INSTALL_TIMEOUT_S = 600.0


class EncoderCalls:
    """The part of the client that has to do with encoders."""

    _transport: Transport
    _encoders: EncoderServiceStub

    def list_encoders(self) -> Iterator[Encoder]:
        """Yields the installed encoders: the default one, others that serve, the rest."""
        token = ""
        while True:
            request = encoder_pb.ListEncodersRequest(page_size=_LIST_PAGE, page_token=token)
            page = self._transport.call(self._encoders.ListEncoders, request)
            yield from map(convert.encoder_value, page.encoders)
            token = page.next_page_token
            if not token:
                return

    def get_encoder(self, encoder: str = "default") -> Encoder:
        """Returns one encoder; ``default`` is the default one."""
        request = encoder_pb.GetEncoderRequest(name=resource_name("encoders", encoder))
        return convert.encoder_value(self._transport.call(self._encoders.GetEncoder, request))

    def install_encoder_on_server(self, path: str) -> Encoder:
        """Installs a bundle, a folder or a zip file, that lies under the server's import root."""
        request = encoder_pb.InstallEncoderRequest(path=path)
        reply = self._transport.call(
            self._encoders.InstallEncoder,
            request,
            max(self._transport.timeout_s, INSTALL_TIMEOUT_S),
        )
        return convert.encoder_value(reply)

    def install_encoder(self, path: Path) -> Encoder:
        """Installs a bundle, a folder or a zip file, from this side; nothing is served by it yet.

        Example::

            encoder = client.install_encoder(Path("bundle"))
            client.wait_for_operation(client.activate_encoder(encoder.encoder_id).operation_id)
        """
        content = _read_bundle(path)

        def pieces() -> Iterator[encoder_pb.UploadEncoderRequest]:
            for start in range(0, len(content), _PIECE_BYTES):
                yield encoder_pb.UploadEncoderRequest(content=content[start : start + _PIECE_BYTES])

        reply = self._transport.send(self._encoders.UploadEncoder, pieces, INSTALL_TIMEOUT_S)
        return convert.encoder_value(reply)

    def activate_encoder(
        self,
        encoder: str,
        categories: Sequence[str] = (),
        *,
        validate_only: bool = False,
        allow_missing_inputs: bool = False,
        request_id: str = "",
    ) -> Operation:
        """Starts to let an encoder serve: the products of some categories, or all others.

        Searches go on meanwhile. With ``validate_only`` the operation only tells, as its
        ``switch``, what would become of images and features.
        """
        request = build(
            lambda: encoder_pb.ActivateEncoderRequest(
                name=resource_name("encoders", encoder),
                categories=categories,
                validate_only=validate_only,
                allow_missing_inputs=allow_missing_inputs,
                request_id=request_id or uuid.uuid4().hex,
            ),
            "categories",
        )
        return operation_value(self._transport.call(self._encoders.ActivateEncoder, request))

    def rollback_encoder(
        self,
        *,
        validate_only: bool = False,
        allow_missing_inputs: bool = False,
        request_id: str = "",
    ) -> Operation:
        """Starts to undo the latest switch of encoders."""
        request = encoder_pb.RollbackEncoderRequest(
            validate_only=validate_only,
            allow_missing_inputs=allow_missing_inputs,
            request_id=request_id or uuid.uuid4().hex,
        )
        return operation_value(self._transport.call(self._encoders.RollbackEncoder, request))

    def delete_encoder(self, encoder: str) -> None:
        """Deletes an encoder that does not serve, with its vectors."""
        request = encoder_pb.DeleteEncoderRequest(name=resource_name("encoders", encoder))
        self._transport.call(self._encoders.DeleteEncoder, request)

    def embed(self, content: bytes, encoder: str = "default", category: str = "") -> Embedding:
        """Returns the embedding of an encoded photo; nothing is stored.

        By the encoder named, ``default`` being the default one, or by that of a category; with
        neither, ``encoder=""``, by the one that suits the photo best.
        """
        request = encoder_pb.EmbedImageRequest(
            name="" if category else optional_name("encoders", encoder),
            content=content,
            category=category,
        )
        reply = self._transport.call(self._encoders.EmbedImage, request)
        return convert.embedding_value(reply.embedding)

    def embed_many(
        self, contents: Iterable[bytes], encoder: str = "default"
    ) -> Iterator[EmbedOutcome]:
        """Yields the embedding of each photo, or its error, in the order the answers arrive.

        Photos without an answer are sent again when the connection breaks.
        """
        work = EmbedWork(self._transport, optional_name("encoders", encoder))
        photos = enumerate(contents)
        return iter(ResumedStream(self._transport, work, photos, READ_AHEAD_PHOTOS))


def _read_bundle(path: Path) -> bytes:
    """Returns a zip file as it is, or a folder's files zipped.

    Raises:
        InvalidField: when it cannot be read, or is too large.
    """
    try:
        if not path.is_dir():
            return path.read_bytes()
        content = io.BytesIO()
        # Networks' weights hardly shrink.
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for file in sorted(file for file in path.iterdir() if file.is_file()):
                if content.tell() + file.stat().st_size > MAX_BUNDLE_BYTES:
                    too_large = f"{path} is larger than {MAX_BUNDLE_BYTES:,} bytes"
                    raise InvalidField("bundle", too_large)
                archive.write(file, file.name)
        return content.getvalue()
    except OSError as error:
        raise InvalidField("bundle", f"{path} cannot be read ({error.strerror})") from error
