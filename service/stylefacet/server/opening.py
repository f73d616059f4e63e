"""Opens by the settings what a server stands on: store, import root, tokens, tracing."""

from collections.abc import Callable
from datetime import datetime

from stylefacet.app.import_root import ImportRoot
from stylefacet.catalog.store import Store
from stylefacet.errors import SettingInvalid
from stylefacet.server.settings import Settings
from stylefacet.server.tokens import Token, read_tokens
from stylefacet.server.watched import Watched
from stylefacet.server.watching import Tracing


def watch_tokens(settings: Settings) -> Callable[[], tuple[Token, ...]] | None:
    """Returns what reads the tokens of the moment; none when no token is asked for."""
    path = settings.tokens_file
    return None if path is None else Watched([path], lambda: read_tokens(path)).current


def open_store(settings: Settings, now: Callable[[], datetime]) -> Store:
    """Opens the store, whose folder is made when it is missing.

    Raises:
        SettingInvalid, StoreCorrupt: it cannot be opened.
    """
    if not settings.database_url:
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingInvalid(
                "data_dir", f"{settings.data_dir} cannot be made ({error.strerror})"
            ) from error
    return Store(settings.store_url, now)


def open_import_root(settings: Settings) -> ImportRoot | None:
    """Opens the folder that imports may read; none where there is none."""
    if settings.import_root is None:
        return None
    return ImportRoot(settings.import_root, settings.max_image_bytes)


def open_tracing(settings: Settings) -> Tracing | None:
    """Opens the way to a collector of traces; none where there is none.

    Raises:
        SettingInvalid: when the extra is not installed.
    """
    if not settings.trace_endpoint:
        return None
    try:
        from stylefacet.server.tracing import OpenTelemetry
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            "trace_endpoint",
            f"traces need {error.name}; pip install 'stylefacet[tracing]', or unset it",
        ) from error
    return OpenTelemetry(settings.trace_endpoint, settings.trace_ratio)
