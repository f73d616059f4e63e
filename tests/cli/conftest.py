import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylefacet.cli import main
from stylefacet.server.runtime import Server
from tests.conftest import photo

Run = Callable[..., Result]


@pytest.fixture
def run(server: Server) -> Run:
    """Runs a command against the server; stdout and stderr come apart."""

    def run_command(*words: str | Path) -> Result:
        environment = {"STYLEFACET_ADDRESS": server.address}
        return CliRunner(env=environment).invoke(main, [str(word) for word in words])

    return run_command


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A manifest of 24 products with photos, as a shop would have it; the path of its CSV."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    rows: list[Sequence[str]] = [("file", "sku", "category", "labels.colour", "style_id")]
    for n in range(24):
        (folder / "images" / f"{n}.png").write_bytes(photo(n))
        rows.append((f"{n}.png", f"p{n}", "top" if n % 2 else "dress", f"c{n % 3}", f"s{n // 4}"))
    with (folder / "shop.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "shop.csv"


@pytest.fixture
def filled(run: Run, shop: Path) -> Run:
    """The same as ``run``, with the shop imported."""
    result = run("import", shop, "--map", "file=image", "--map", "sku=product_id")
    assert result.exit_code == 0, result.stderr
    return run
