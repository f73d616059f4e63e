"""Failures for which a program does not start; knows no call."""

from stylefacet.errors.base import Code, StylefacetError


class BundleInvalid(StylefacetError):
    """A bundle folder is missing, damaged, of another format, or disagrees with itself."""

    code = Code.FAILED_PRECONDITION
    reason = "BUNDLE_INVALID"

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(
            f"{path} is no usable encoder bundle: {cause}; export it again "
            "(`stylefacet-train export RUN --out BUNDLE`)",
            {"path": path, "cause": cause},
        )


class StoreCorrupt(StylefacetError):
    """The store cannot be trusted; the server does not start on it."""

    code = Code.FAILED_PRECONDITION
    reason = "STORE_CORRUPT"

    def __init__(self, location: str, cause: str) -> None:
        super().__init__(
            f"the store at {location} cannot be used: {cause}; restore a backup or choose another "
            "data directory",
            {"location": location, "cause": cause},
        )


class BackupInvalid(StylefacetError):
    """A backup is damaged, incomplete or of a release that this one cannot read."""

    code = Code.FAILED_PRECONDITION
    reason = "BACKUP_INVALID"

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(
            f"{path} is no usable backup: {cause}; nothing was restored",
            {"path": path, "cause": cause},
        )


class SettingInvalid(StylefacetError):
    """A setting cannot be used; the program does not start."""

    code = Code.INVALID_ARGUMENT
    reason = "SETTING_INVALID"

    def __init__(self, setting: str, description: str) -> None:
        super().__init__(f"{setting}: {description}", {"field": setting})
