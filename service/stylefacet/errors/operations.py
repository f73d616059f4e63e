"""Failures of imports and other long-running operations; knows no single call."""

from stylefacet.errors.base import Code, StylefacetError


class ImportRunning(StylefacetError):
    """Another import is under way."""

    code = Code.ABORTED
    reason = "IMPORT_RUNNING"

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is importing; wait for it or cancel it", {"operation": operation}
        )


class ImportDisabled(StylefacetError):
    """The server was started without a folder that imports may read."""

    code = Code.FAILED_PRECONDITION
    reason = "IMPORT_DISABLED"

    def __init__(self) -> None:
        super().__init__(
            "this server imports no files: start it with --import-root FOLDER, or send the photos "
            "with `stylefacet import`",
            {"subject": "import_root"},
        )


class DeletionRefused(StylefacetError):
    """A replacing import would delete more than it was allowed to, or cannot know what to keep."""

    code = Code.FAILED_PRECONDITION
    reason = "DELETION_REFUSED"

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing was deleted: {why}", {"subject": "products"})


class OperationCancelled(StylefacetError):
    """An operation was cancelled before it ended; what it had done stays done."""

    code = Code.CANCELLED
    reason = "OPERATION_CANCELLED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was cancelled", {"operation": name})


class OperationLost(StylefacetError):
    """The server at work on an operation went away so often that it is not tried again."""

    code = Code.ABORTED
    reason = "OPERATION_LOST"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f"the server went away {count} times while it worked on {name}; "
            "see its log, then start the operation again",
            {"operation": name, "count": str(count)},
        )


class OperationUnfinished(StylefacetError):
    """Only an operation that has ended can be deleted."""

    code = Code.FAILED_PRECONDITION
    reason = "OPERATION_UNFINISHED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has not ended; cancel it first", {"subject": name})
