import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stylefacet.cli.imports import ImportReport, run_import
from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.errors import ServerUnreachable, ShuttingDown
from stylefacet.manifest import BadRow, ManifestRow, Source, open_source, parse_column_map
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.cli.conftest import Run
from tests.conftest import photo

MAPS = ("--map", "file=image", "--map", "sku=product_id")


def test_import_tells_what_became_of_the_rows(run: Run, shop: Path):
    first = run("import", shop, *MAPS)
    second = json.loads(run("import", shop, *MAPS, "--json").stdout)

    assert first.exit_code == 0
    assert "24 created, 0 updated, 0 unchanged, 0 failed" in first.stdout
    assert (second["created"], second["unchanged"], second["failures"]) == (0, 24, [])


def test_manifest_fills_in_the_product(filled: Run):
    product = json.loads(filled("products", "get", "p5", "--json").stdout)

    assert (product["category"], product["labels"]) == ("top", {"colour": "c2"})
    assert product["style_id"] == "s1"


def test_bad_rows_are_listed_and_the_good_ones_are_in(run: Run, shop: Path):
    (shop.parent / "images" / "3.png").write_bytes(b"text")
    (shop.parent / "images" / "4.png").unlink()
    (shop.parent / "images" / "5.png").write_bytes(photo(5)[:60])

    result = run("import", shop, *MAPS)

    assert result.exit_code == 1
    assert "21 created, 0 updated, 0 unchanged, 3 failed" in result.stdout
    failed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert [line.split(":")[1].strip() for line in failed] == [
        "line 5 (p3)",
        "line 6 (p4)",
        "line 7 (p5)",
    ]
    assert run("products", "get", "p6").exit_code == 0
    assert run("products", "get", "p3").exit_code == 1


def test_many_failures_are_cut_short_on_a_terminal_and_whole_in_json(run: Run, shop: Path):
    for path in (shop.parent / "images").iterdir():
        path.write_bytes(b"text")

    shown = run("import", shop, *MAPS)
    whole = json.loads(run("import", shop, *MAPS, "--json").stdout)

    assert shown.stderr.count("failed: ") == 20
    assert "and 4 more" in shown.stderr
    assert len(whole["failures"]) == 24
    assert {f["reason"] for f in whole["failures"]} == {"IMAGE_UNDECODABLE"}


def test_folder_is_imported_by_file_names(run: Run, shop: Path):
    result = run("import", shop.parent / "images", "--category", "top")

    assert result.exit_code == 0
    assert json.loads(run("products", "get", "7", "--json").stdout)["category"] == "top"


def test_missing_column_stops_the_import(run: Run, shop: Path):
    result = run("import", shop)

    assert result.exit_code == 2
    assert "has no column product_id, image; it has file, sku" in result.stderr
    assert result.stderr.count("\n") == 1


def test_ignored_columns_are_told_once(run: Run, shop: Path):
    result = run("import", shop, *MAPS, "--map", "category=labels.kind", "--category", "top")
    other = run("import", shop, "--map", "file=image", "--map", "labels.colour=product_id")

    assert "ignored" not in result.stderr
    assert other.stderr.count("ignored columns: sku") == 1


class SourceThatLosesItsServer:
    """A shop whose server stops before row 12 is sent and after an earlier row was answered."""

    def __init__(self, source: Source, server: Server) -> None:
        self.row_count, self.notes = source.row_count, source.notes
        self.answered = threading.Event()
        self._source, self._server = source, server

    def rows(self) -> Iterator[ManifestRow | BadRow]:
        for row in self._source.rows():
            if row.row_number == 12:
                assert self.answered.wait(30)
                self._server.stop()
            yield row


def test_report_of_a_broken_import_holds_what_was_answered(
    settings: Settings, shop: Path, monkeypatch: pytest.MonkeyPatch
):
    server = Server(replace(settings, shutdown_grace_s=0.05))
    server.start()
    monkeypatch.setattr("stylefacet.client.streams.RECONNECT_ATTEMPTS", 1)
    source = SourceThatLosesItsServer(open_source(shop, parse_column_map(MAPS[1::2])), server)
    report = ImportReport()

    with (
        StylefacetClient(server.address, retry=RetryPolicy(attempts=1)) as client,
        pytest.raises((ServerUnreachable, ShuttingDown)),
    ):
        run_import(client, source, report, source.answered.set)

    assert 0 < report.counts.total() < 24
