"""Operations from the command line: imports on the server, duplicates, and seeing to both."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from stylefacet.cli import main
from stylefacet.cli.group_sheet import COLUMNS, GroupCard, GroupRow, draw_groups, group_height
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.cli.conftest import Run
from tests.conftest import photo

MAPS = ("--map", "file=image", "--map", "sku=product_id")


@pytest.fixture
def settings(settings: Settings, shop: Path) -> Settings:
    """Settings of a server that imports from the folder of the shop."""
    return replace(settings, import_root=shop.parent)


def test_importing_on_the_server_tells_what_became_of_the_rows(run: Run):
    first = run("import-on-server", "shop.csv", *MAPS)
    again = json.loads(run("import-on-server", "shop.csv", *MAPS, "--json").stdout)

    assert first.exit_code == 0, first.stderr
    assert first.stdout == "24 rows: 24 created, 0 updated, 0 unchanged, 0 failed\n"
    assert (again["state"], again["imported"]["unchanged_count"]) == ("succeeded", 24)


def test_bad_rows_are_listed_and_end_with_1(run: Run, shop: Path):
    (shop.parent / "images" / "3.png").write_bytes(b"text")
    result = run("import-on-server", "shop.csv", *MAPS)

    assert result.exit_code == 1
    assert "23 created" in result.stdout
    assert "failed: line 5 (p3): the image cannot be read" in result.stderr


def test_replacing_tells_what_it_deleted(run: Run, shop: Path):
    run("import-on-server", "shop.csv", *MAPS)
    lines = shop.read_text().splitlines()
    shop.write_text("\n".join(lines[:-2]))
    tried = run("import-on-server", "shop.csv", *MAPS, "--replace", "--dry-run")
    done = run("import-on-server", "shop.csv", *MAPS, "--replace")

    assert "2 products would be deleted; nothing was changed" in tried.stdout
    assert "22 unchanged, 0 failed; deleted 2 products and 0 images" in done.stdout


def test_deleting_too_much_is_refused_in_one_line(run: Run, shop: Path):
    run("import-on-server", "shop.csv", *MAPS)
    shop.write_text("\n".join(shop.read_text().splitlines()[:6]))
    refused = run("import-on-server", "shop.csv", *MAPS, "--replace")

    assert refused.exit_code == 1
    assert "19 of 24 products (79%) have no row" in refused.stderr
    allowed = run("import-on-server", "shop.csv", *MAPS, "--replace", "--max-deleted-share", "1")
    assert "deleted 19 products" in allowed.stdout


def test_a_share_goes_with_replacing_only(run: Run):
    assert run("import-on-server", "shop.csv", "--max-deleted-share", "1").exit_code == 2


def test_operations_are_started_awaited_and_listed(run: Run):
    name = run("import-on-server", "shop.csv", *MAPS, "--no-wait").stdout.strip()
    awaited = run("operations", "wait", name, "--timeout", "20")
    listed = json.loads(run("operations", "list", "--json").stdout)
    table = run("operations", "list").stdout

    assert "24 created" in awaited.stdout
    assert [(o["operation_id"], o["state"]) for o in listed] == [(name, "succeeded")]
    assert "importing 24/24" in table
    assert "succeeded" in run("operations", "get", name).stdout
    assert run("operations", "list", "--running", "--json").stdout.strip() == "[]"


def test_waiting_for_a_failed_operation_ends_with_1(run: Run, shop: Path):
    run("import-on-server", "shop.csv", *MAPS)
    shop.write_text("\n".join(shop.read_text().splitlines()[:6]))
    name = run("import-on-server", "shop.csv", *MAPS, "--replace", "--no-wait").stdout.strip()
    awaited = run("operations", "wait", name)

    assert awaited.exit_code == 1
    assert "nothing was deleted" in awaited.stdout


def test_operations_are_cancelled_and_deleted(run: Run):
    name = run("import-on-server", "shop.csv", *MAPS, "--no-wait").stdout.strip()
    assert run("operations", "cancel", name).exit_code == 0
    run("operations", "wait", name)
    assert run("operations", "delete", name).exit_code == 0
    assert run("operations", "get", name).exit_code == 1


@pytest.fixture
def twins(run: Run, shop: Path) -> Run:
    """The shop with three more products that look like p1, one of them of its style."""
    rows = []
    for n, style in ((90, "s0"), (91, "x"), (92, "y")):
        (shop.parent / "images" / f"{n}.png").write_bytes(photo(1))
        rows.append((f"{n}.png", f"p{n}", "top", "c1", style))
    with shop.open("a", newline="") as file:
        csv.writer(file).writerows(rows)
    assert run("import-on-server", "shop.csv", *MAPS).exit_code == 0
    return run


def test_duplicates_are_shown_as_groups(twins: Run):
    result = twins("duplicates", "--alike", "collar=0.001,body=0.001", "--alike", "sleeve=0.001")

    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["group", "product", "category", "style", "body", "collar", "sleeve"]
    assert lines[1] == ["1", "p1", "top", "s0", "0.000", "0.000", "0.000"]
    assert [line[0] for line in lines[2:]] == ["p90", "p91", "p92"]
    assert "1 group of 4 products among 27" in result.stderr


def test_duplicates_are_printed_as_json_and_drawn(twins: Run, tmp_path: Path):
    sheet = tmp_path / "sheets" / "groups.png"
    exact = ("--alike", "collar=0,body=0", "--json", "--sheet", str(sheet))
    found = json.loads(twins("duplicates", *exact).stdout)
    across = json.loads(twins("duplicates", *exact, "--across-styles", "--limit", "1").stdout)

    ids = [product["product_id"] for product in found["groups"][0]["products"]]
    assert ids == ["p1", "p90", "p91", "p92"]
    assert found["groups"][0]["pairs"][0]["distances"]["sleeve"] == 0
    assert across["group_count"] == 1
    with Image.open(sheet) as drawn:
        assert drawn.height > group_height(4)


def test_duplicates_of_one_style_are_no_news(filled: Run):
    same = filled("duplicates", "--alike", "collar=9", "--filter", 'style_id = "s0"', "--json")
    across = filled(
        "duplicates", "--alike", "collar=9", "--filter", 'style_id = "s0"', "--across-styles"
    )

    assert json.loads(same.stdout)["groups"][0]["product_count"] == 4
    assert across.stdout == ""
    assert "0 groups" in across.stderr


@pytest.mark.parametrize("text", ["=1", "collar=x", "collar=-1", "collar,collar", "collar,,body"])
def test_bad_distances_are_refused(run: Run, text: str):
    assert run("duplicates", "--alike", text).exit_code == 2


def test_a_sheet_grows_with_its_groups():
    card = GroupCard(b"", "Shirt", "p1")

    def sheet(card_count: int) -> tuple[int, int]:
        group = GroupRow("1", "why", (card,) * card_count)
        return draw_groups("1 group", "near", (group,)).size

    assert sheet(COLUMNS + 1)[0] == sheet(COLUMNS)[0] > sheet(2)[0]
    assert sheet(COLUMNS + 1)[1] - sheet(COLUMNS)[1] == group_height(9) - group_height(8)


def test_a_server_that_imports_nothing_says_how_to(settings: Settings):
    server = Server(replace(settings, import_root=None))
    server.start()
    environment = {"STYLEFACET_ADDRESS": server.address}
    result = CliRunner(env=environment).invoke(main, ["import-on-server", "shop.csv"])
    server.stop()

    assert result.exit_code == 1
    assert "--import-root" in result.stderr
