from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from stylefacet.bundle import Bundle
from stylefacet.cli import main
from stylefacet.cli.demo import unpack_catalogue
from stylefacet.manifest import BadRow, open_source


def test_shipped_catalogue_is_a_whole_manifest(tmp_path: Path):
    source = open_source(unpack_catalogue(tmp_path))

    rows = list(source.rows())

    assert len(rows) >= 300
    assert source.notes == ()
    assert not [row for row in rows if isinstance(row, BadRow)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first_run(out: Path, tiny_bundle: Bundle) -> Result:
    return run_demo(out, tiny_bundle)


def run_demo(out: Path, bundle: Bundle) -> Result:
    environment = {"STYLEFACET_BUNDLE": str(bundle.path)}
    return CliRunner(env=environment).invoke(main, ["demo", "--out", str(out)])


def test_demo_searches_draws_and_says_how_to_go_on(first_run: Result, out: Path):
    assert first_run.exit_code == 0, first_run.stderr
    assert "0 failed" in first_run.stdout
    assert first_run.stdout.count("hits have the query's") == 2
    assert f" serve --data-dir {out / 'data'}\n" in first_run.stdout
    assert " search --product" in first_run.stdout
    for feature in ("collar", "sleeve"):
        with Image.open(out / f"alike-in-{feature}.png") as picture:
            assert picture.width > 1000


def test_demo_may_be_run_again(first_run: Result, out: Path, tiny_bundle: Bundle):
    again = run_demo(out, tiny_bundle)

    assert first_run.exit_code == again.exit_code == 0
    assert "0 created" in again.stdout


def test_demo_of_another_encoder_goes_on_with_the_first(
    first_run: Result, out: Path, other_bundle: Bundle
):
    other = run_demo(out, other_bundle)

    assert first_run.exit_code == other.exit_code == 0
    assert "0 created" in other.stdout
