"""The server's side of TLS: certificates from files, taken up anew without a restart."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from stylefacet.errors import SettingInvalid
from stylefacet.server.settings import Settings
from stylefacet.server.watched import Watched

# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_TIME_CODES = (9, 10)


@dataclass(frozen=True, slots=True)
class _Pems:
    cert: bytes
    key: bytes
    client_ca: bytes | None

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(self.key, self.cert)], self.client_ca)


def server_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Returns credentials that follow the settings' files; none when TLS is off.

    Each new connection gets what the files then hold; a pair that does not match is not taken up.

    Raises:
        SettingInvalid: when the files cannot be used as they are now.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    cert, key, client_ca = settings.tls_cert, settings.tls_key, settings.tls_client_ca
    paths = [path for path in (cert, key, client_ca) if path is not None]
    watched = Watched(paths, lambda: _read(cert, key, client_ca))
    last = watched.current()

    # Any: gRPC takes none for no change, which its stubs do not know.
    def fetch() -> Any:
        nonlocal last
        current = watched.current()
        if current is last:
            return None
        last = current
        return current.configuration()

    return grpc.dynamic_ssl_server_credentials(
        last.configuration(), fetch, require_client_authentication=client_ca is not None
    )


def _read(cert: Path, key: Path, client_ca: Path | None) -> _Pems:
    pems = _Pems(
        _content("tls_cert", cert),
        _content("tls_key", key),
        None if client_ca is None else _content("tls_client_ca", client_ca),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password, for otherwise an encrypted key would be asked for at the terminal.
        context.load_cert_chain(cert, key, password="")
    except (ssl.SSLError, OSError) as error:
        raise SettingInvalid(
            "tls_cert, tls_key",
            f"{cert} and {key} are no certificate and its unencrypted key in PEM ({_cause(error)})",
        ) from error
    _check_not_expired(context, cert)
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, OSError) as error:
            raise SettingInvalid(
                "tls_client_ca", f"{client_ca} holds no certificate in PEM ({_cause(error)})"
            ) from error
    return pems


def _check_not_expired(server: ssl.SSLContext, cert: Path) -> None:
    """Refuses a certificate that every client would refuse, by a handshake in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    # The certificate vouches for itself here: only its time is asked for.
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cert)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(down, up)
    answering = server.wrap_bio(up, down, server_side=True)
    for end in (asking, answering, asking):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _TIME_CODES:
                raise SettingInvalid(
                    "tls_cert", f"{cert}: {error.verify_message}; renew it"
                ) from error
            return


def _content(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingInvalid(setting, f"{path} cannot be read ({error.strerror})") from error


def _cause(error: OSError) -> str:
    reason = getattr(error, "reason", "") or error.strerror or str(error)
    return str(reason).lower().replace("_", " ")
