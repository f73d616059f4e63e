"""The walk-through in service/README.md is run as it stands."""

import csv
import re
from pathlib import Path

import pytest

from stylefacet.client import StylefacetClient
from stylefacet.server.runtime import Server
from tests.server.test_feature_fitting import tint_of, tinted

README = Path(__file__).resolve().parent.parent / "service" / "README.md"
COUNT = 48
NECKLINES = {"dark": "v-neck", "light": "round"}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the walk-through reads: photos with two necklines, one of them damaged."""
    (tmp_path / "photos").mkdir()
    for n in range(COUNT):
        (tmp_path / "photos" / f"{n}.png").write_bytes(tinted(n, tint_of(n)))
    (tmp_path / "photos" / "9001.png").write_bytes(tinted(9001, "dark"))
    (tmp_path / "photos" / "3.png").write_bytes(b"not a picture")
    with (tmp_path / "inventory.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "photo", "category", "name", "colour", "price", "style"])
        for n in range(COUNT):
            writer.writerow([n, f"{n}.png", "top", f"Top {n}", "red", 20 + n, f"s{n // 2}"])
    with (tmp_path / "necklines.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "neckline"])
        writer.writerows([n, NECKLINES[tint_of(n)]] for n in range(30) if n != 3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_day_of_a_catalogue_system_goes_as_the_walkthrough_says(
    shop: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("STYLEFACET_ADDRESS", server.address)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    scope: dict = {}
    exec(compile("\n".join(blocks), str(README), "exec"), scope)
    said = capsys.readouterr().out

    assert "line 5: the image cannot be read" in said
    assert "neckline: v-neck" in said
    hits = scope["result"].hits
    assert len(hits) == 5
    assert {hit.product.numbers["price"] < 50 for hit in hits} == {True}
    assert len({hit.product.style_id for hit in hits}) == 5
    assert re.search(r"moved \d\.\d\d in neckline, v-neck to round", said)
    assert len(list(shop.glob("neckline_*.png"))) == 7
    with StylefacetClient(server.address) as client:
        assert client.get_product("9001").labels == {"neckline": "v-neck"}
    with (shop / "neckline_today.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == COUNT
    assert next(row["neckline"] for row in rows if row["sku"] == "9001") == "v-neck"
