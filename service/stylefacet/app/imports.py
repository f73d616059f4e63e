"""Imports a manifest that lies on the server, as the work of an operation; knows no RPC.

The rules for rows are those of `stylefacet.manifest` and of `Uploads`, so an import through the
command line and one on the server leave the same catalogue.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stylefacet.app.import_root import ImportRoot
from stylefacet.app.operations import Task
from stylefacet.app.pipeline import Pipeline
from stylefacet.app.uploads import COMMIT_LINGER_S, PreparedRow, UploadRow, Uploads
from stylefacet.catalog.entities import (
    ProductFields,
    RowOutcome,
    RowStatus,
    WriteOutcome,
)
from stylefacet.catalog.operations import JsonObject
from stylefacet.catalog.sweeping import MadeBefore, Sweeper
from stylefacet.errors import DeletionRefused, InvalidField, StylefacetError
from stylefacet.manifest import BadRow, ManifestRow, Source, open_source, parse_column_map

IMPORT_KIND = "import-products"
DEFAULT_MAX_DELETED_SHARE = 0.1
# Failures kept in full; the others are counted.
_MAX_FAILURE_COUNT = 100
# Photos in work at once: half of them share a commit.
_DEPTH = 64
_DELETE_BATCH = 500
_BUSY_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What an import is asked to do; ``columns`` are pairs of column and field."""

    manifest: str
    columns: tuple[tuple[str, str], ...] = ()
    category: str = ""
    replace: bool = False
    max_deleted_share: float = DEFAULT_MAX_DELETED_SHARE
    validate_only: bool = False

    def to_json(self) -> JsonObject:
        """Returns the terms as an operation's request."""
        return asdict(self) | {"columns": [list(pair) for pair in self.columns]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ImportTerms":
        """Returns the terms in an operation's request."""
        columns = tuple((column, name) for column, name in document["columns"])
        return cls(**{**document, "columns": columns})


@dataclass(slots=True)
class ImportSummary:
    """What an import has done so far; also what it goes on from after a restart."""

    row_count: int = 0
    done_count: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, object]] = field(default_factory=list)
    deleted_product_count: int = 0
    deleted_image_count: int = 0
    sequence: int = 0
    notes: list[str] = field(default_factory=list)
    # Tells the manifest's state, so that rows of another one are not taken for done.
    mark: str = ""
    # With replacing: the newest keys of products and images when the first run began.
    newest_keys: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Returns the summary as it is stored."""
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name != "counts"
        } | {"counts": dict(self.counts), "failures": list(self.failures)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ImportSummary":
        """Returns the summary that was stored."""
        return cls(**{**document, "counts": Counter(document["counts"])})

    def add_failure(self, row: ManifestRow | BadRow, error: StylefacetError) -> None:
        """Counts a row that failed and keeps it while there is room."""
        self.counts[RowStatus.FAILED] += 1
        if len(self.failures) < _MAX_FAILURE_COUNT:
            self.failures.append(
                {
                    "row_number": row.row_number,
                    "place": row.place,
                    "product_id": row.product_id,
                    "reason": error.reason,
                    "message": error.message,
                    "metadata": error.metadata,
                }
            )


class ManifestImport:
    """Does the work of import operations: call it with a task. Thread-safe."""

    def __init__(
        self, root: ImportRoot, uploads: Uploads, sweeper: Sweeper, pool: Executor
    ) -> None:
        self._root = root
        self._uploads = uploads
        self._sweeper = sweeper
        self._pool = pool

    def check(self, terms: ImportTerms) -> None:
        """Refuses terms that could never be met.

        Raises:
            InvalidField: naming the one at fault.
        """
        path = self._root.find(terms.manifest)
        parse_column_map(f"{column}={name}" for column, name in terms.columns)
        if not 0 <= terms.max_deleted_share <= 1:
            raise InvalidField("max_deleted_share", f"{terms.max_deleted_share} is not in 0..1")
        if not path.is_dir():
            self._open(terms, path)

    def __call__(self, task: Task) -> JsonObject:
        """Imports a manifest; returns the summary."""
        terms = ImportTerms.from_json(task.request)
        path = self._root.find(terms.manifest)
        source = self._open(terms, path)
        summary = _start_from(task, source, _mark(path, source))
        run = _Run(self._root, self._uploads, self._sweeper, self._pool, task, terms, summary)
        if terms.replace or terms.validate_only:
            run.look_ahead(source)
        if not terms.validate_only:
            run.write_rows(source)
            if terms.replace:
                run.delete_the_rest()
        return summary.to_json()

    def _open(self, terms: ImportTerms, path: Path) -> Source:
        try:
            columns = parse_column_map(f"{column}={name}" for column, name in terms.columns)
            return open_source(path, columns, terms.category)
        except InvalidField as error:
            # The path on this machine is none of the caller's business.
            description = error.metadata["description"].replace(str(path), terms.manifest)
            name = error.metadata["field"].replace(str(path), f"manifest {terms.manifest}")
            raise InvalidField(name, description) from error


@dataclass(frozen=True, slots=True)
class _Prepared:
    row: ManifestRow | BadRow
    result: PreparedRow | StylefacetError


class _Run:
    """One import under way; not thread-safe but for `_prepare`, which the pool calls."""

    def __init__(
        self,
        root: ImportRoot,
        uploads: Uploads,
        sweeper: Sweeper,
        pool: Executor,
        task: Task,
        terms: ImportTerms,
        summary: ImportSummary,
    ) -> None:
        self._root = root
        self._uploads = uploads
        self._sweeper = sweeper
        self._pool = pool
        self._task = task
        self._terms = terms
        self._summary = summary
        self._missing: list[str] = []
        # With replacing: images to keep of each product, and products of which a row failed.
        self._kept: dict[str, set[str]] = {}
        self._incomplete: set[str] = set()

    def look_ahead(self, source: Source) -> None:
        """Reads all rows without their photos and finds the products that none of them names.

        Raises:
            DeletionRefused: when replacing would delete too much.
        """
        if self._terms.replace and not self._summary.newest_keys:
            now = self._sweeper.made_before(self._task.create_time)
            self._summary.newest_keys = [now.product_key, now.image_key]
        named: set[str] = set()
        unreadable: list[str] = []
        trial = ImportSummary(row_count=source.row_count, notes=self._summary.notes)
        for row in source.rows():
            self._task.check()
            if row.product_id:
                named.add(row.product_id)
            else:
                unreadable.append(row.place)
            if isinstance(row, BadRow):
                trial.add_failure(row, row.error)
            trial.done_count = row.row_number
            if row.row_number % 1000 == 0:
                self._report("reading the manifest", row.row_number, source.row_count)
        if self._terms.validate_only:
            self._summary.counts = trial.counts
            self._summary.failures = trial.failures
            self._summary.done_count = trial.done_count
        if self._terms.replace:
            self._find_missing(named, unreadable)
        if self._terms.validate_only:
            self._summary.deleted_product_count = len(self._missing)
        self._report("reading the manifest", source.row_count, source.row_count)

    @property
    def _before(self) -> MadeBefore:
        product_key, image_key = self._summary.newest_keys
        return MadeBefore(self._task.create_time, product_key, image_key)

    def _find_missing(self, named: set[str], unreadable: Sequence[str]) -> None:
        if unreadable:
            raise DeletionRefused(
                f"{len(unreadable)} rows name no product that can be read, the first at "
                f"{unreadable[0]}, so what they name might be deleted; mend them"
            )
        stored = self._sweeper.list_product_ids(self._before)
        self._missing = [product_id for product_id in stored if product_id not in named]
        share = len(self._missing) / len(stored) if stored else 0.0
        if share > self._terms.max_deleted_share:
            raise DeletionRefused(
                f"{len(self._missing):,} of {len(stored):,} products ({share:.0%}) have no row in "
                f"{self._terms.manifest}, and at most {self._terms.max_deleted_share:.0%} may go; "
                "see that the manifest is whole, or allow more with max_deleted_share"
            )

    def write_rows(self, source: Source) -> None:
        """Imports the rows that an earlier run has not done, in order."""
        summary = self._summary
        summary.row_count = source.row_count
        done_before = summary.done_count
        # Replacing must know the image of every row, so done ones are read again, uncounted.
        first = 0 if self._terms.replace else done_before
        fault: list[Exception] = []

        def rows() -> Iterator[ManifestRow | BadRow]:
            try:
                for row in source.rows():
                    if row.row_number > first:
                        yield row
            except Exception as error:  # raised again below, in the thread of the import
                fault.append(error)

        for batch in Pipeline(rows(), self._prepare, self._pool, _DEPTH).batches(COMMIT_LINGER_S):
            self._task.check()
            self._write(batch, done_before)
            self._report("importing", summary.done_count, summary.row_count)
        if fault:
            raise fault[0]

    def _prepare(self, rows: Sequence[ManifestRow | BadRow]) -> list[_Prepared]:
        read = [self._read(row) for row in rows]
        while True:
            given = [row for row in read if isinstance(row, UploadRow)]
            results = self._uploads.prepare(given) if given else []
            passing = [
                result
                for result in results
                if isinstance(result, StylefacetError) and result.retry_after_s is not None
            ]
            if not passing:
                break
            self._pause_if_passing(passing[0])
        prepared = iter(results)
        return [
            _Prepared(row, next(prepared) if isinstance(found, UploadRow) else found)
            for row, found in zip(rows, read, strict=True)
        ]

    def _read(self, row: ManifestRow | BadRow) -> UploadRow | StylefacetError:
        if isinstance(row, BadRow):
            return row.error
        try:
            return _upload_row(row, self._root.read_photo(row.image))
        except StylefacetError as error:
            return error

    def _write(self, batch: Sequence[_Prepared], done_before: int) -> None:
        ready = [item.result for item in batch if isinstance(item.result, PreparedRow)]
        outcomes: Iterator[RowOutcome] = iter(())
        if ready:
            written = self._write_when_free(ready)
            outcomes = iter(written.rows)
            self._summary.sequence = max(self._summary.sequence, written.sequence)
        for item in batch:
            outcome = next(outcomes) if isinstance(item.result, PreparedRow) else None
            self._count(item, outcome, is_new=item.row.row_number > done_before)
        self._summary.done_count = max(done_before, batch[-1].row.row_number)

    def _count(self, item: _Prepared, outcome: RowOutcome | None, is_new: bool) -> None:
        """Notes what became of a row; one that is not new was counted before a restart."""
        error = item.result if outcome is None else outcome.error
        if outcome is not None and error is None:
            if self._terms.replace:
                self._kept.setdefault(item.row.product_id, set()).add(outcome.image_id)
            if is_new:
                self._summary.counts[outcome.status] += 1
            return
        assert isinstance(error, StylefacetError)
        self._incomplete.add(item.row.product_id)
        if is_new:
            self._summary.add_failure(item.row, error)

    def _write_when_free(self, rows: Sequence[PreparedRow]) -> WriteOutcome:
        while True:
            try:
                return self._uploads.write(rows)
            except StylefacetError as error:
                self._pause_if_passing(error)

    def _pause_if_passing(self, error: StylefacetError) -> None:
        """Waits out a store that is busy or away, as a nightly import should; raises others."""
        if error.retry_after_s is None:
            raise error
        self._task.check()
        time.sleep(_BUSY_PAUSE_S)

    def delete_the_rest(self) -> None:
        """Deletes the products and images that no row named."""
        before, summary = self._before, self._summary
        images = [
            (product_id, image_id)
            for product_id, image_id in self._sweeper.stream_images(before)
            if product_id in self._kept
            and product_id not in self._incomplete
            and image_id not in self._kept[product_id]
        ]
        total = len(self._missing) + len(images)
        for start in range(0, len(self._missing), _DELETE_BATCH):
            self._task.check()
            some = self._missing[start : start + _DELETE_BATCH]
            count, summary.sequence = self._sweeper.delete_products(some, before)
            summary.deleted_product_count += count
            self._report("deleting", start + len(some), total)
        for start in range(0, len(images), _DELETE_BATCH):
            self._task.check()
            names = images[start : start + _DELETE_BATCH]
            count, summary.sequence = self._sweeper.delete_images(names, before)
            summary.deleted_image_count += count
            self._report("deleting", len(self._missing) + start + len(names), total)

    def _report(self, phase: str, done_count: int, total_count: int) -> None:
        self._task.report(phase, done_count, total_count, self._summary.to_json())


def _start_from(task: Task, source: Source, mark: str) -> ImportSummary:
    """Returns the summary to go on from: an earlier run's, if the manifest is still the same."""
    detail = task.checkpoint.get("detail")
    if isinstance(detail, Mapping):
        earlier = ImportSummary.from_json(detail)
        if earlier.mark == mark and not ImportTerms.from_json(task.request).validate_only:
            return earlier
    return ImportSummary(row_count=source.row_count, notes=list(source.notes), mark=mark)


def _mark(path: Path, source: Source) -> str:
    """Returns what changes whenever a manifest does, or the list of a folder's photos."""
    if path.is_dir():
        names = hashlib.sha256()
        for row in source.rows():
            names.update(f"{row.place}\n".encode(errors="surrogateescape"))
        return names.hexdigest()
    facts = path.stat()
    return f"{facts.st_size}-{facts.st_mtime_ns}-{facts.st_ino}"


def _upload_row(row: ManifestRow, content: bytes) -> UploadRow:
    fields = ProductFields(
        row.product_id, row.display_name, row.category, row.labels, row.numbers, row.style_id
    )
    # As in an upload: what a row leaves blank stays as it is.
    written = ("display_name", "category", "labels", "numbers", "style_id")
    return UploadRow(
        fields, content, mask=frozenset(name for name in written if getattr(fields, name))
    )
