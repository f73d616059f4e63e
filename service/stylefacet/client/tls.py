"""The client's side of TLS: whom it trusts and how it identifies itself; opens no connection."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from stylefacet.errors import InvalidField


@dataclass(frozen=True, slots=True)
class Tls:
    """How to encrypt: each file is PEM.

    ``ca`` holds the authorities that may vouch for the server; none trusts the public ones that
    gRPC ships. ``cert`` and ``key`` identify the client to a server that asks for it.
    ``server_name`` is the name in the server's certificate when the address is another.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """Returns what gRPC encrypts with.

        Raises:
            InvalidField: for files that cannot be used.
        """
        if (self.cert is None) != (self.key is None):
            missing = "tls_key" if self.key is None else "tls_cert"
            raise InvalidField(missing, "is missing; a certificate and its key come together")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if self.ca is not None:
                context.load_verify_locations(self.ca)
            if self.cert is not None:
                # An empty password: an encrypted key would be asked for at the terminal.
                context.load_cert_chain(self.cert, self.key, password="")
            return grpc.ssl_channel_credentials(
                *(None if path is None else path.read_bytes() for path in self._files())
            )
        except OSError as error:  # that of ssl among them
            cause = getattr(error, "reason", None) or error.strerror
            names = ", ".join(str(path) for path in self._files() if path is not None)
            raise InvalidField("tls", f"{names} cannot be used as PEM ({cause})") from error

    def _files(self) -> tuple[Path | None, Path | None, Path | None]:
        return self.ca, self.key, self.cert
