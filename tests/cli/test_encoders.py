"""Encoders by the command line: installed, tried, activated, rolled back, deleted."""

import json
from pathlib import Path

import pytest

from stylefacet.bundle import Bundle
from tests.cli.conftest import Run


@pytest.fixture
def installed(filled: Run, other_bundle: Bundle) -> str:
    """The id of the second encoder, installed beside the one that serves a shop."""
    result = filled("encoders", "install", other_bundle.path)
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


def test_an_encoder_is_installed_and_serves_nothing(filled, installed, other_bundle):
    listed = json.loads(filled("encoders", "list", "--json").stdout)

    assert installed == other_bundle.id
    assert [each["serves_default"] for each in listed] == [True, False]
    assert "nothing" in filled("encoders", "describe", installed).stdout


def test_a_dry_run_tells_and_changes_nothing(filled, installed):
    result = filled("encoders", "activate", installed, "--dry-run")

    assert result.exit_code == 0, result.stderr
    assert f"{installed} would serve 24 images" in result.stdout
    assert "comes with the bundle" in result.stdout
    assert "nothing was changed" in result.stderr
    assert json.loads(filled("encoders", "describe", "--json").stdout)["encoder_id"] != installed


def test_an_encoder_is_activated_and_rolled_back(filled, installed):
    first = json.loads(filled("encoders", "describe", "--json").stdout)["encoder_id"]
    assert "serves 24 images" in filled("encoders", "activate", installed).stdout
    assert json.loads(filled("encoders", "describe", "--json").stdout)["encoder_id"] == installed
    assert "24 of them embedded before" in filled("encoders", "rollback").stdout
    assert json.loads(filled("encoders", "describe", "--json").stdout)["encoder_id"] == first


def test_an_encoder_serves_one_category(filled, installed):
    filled("encoders", "activate", installed, "--category", "dress")
    listed = json.loads(filled("encoders", "list", "--json").stdout)

    assert [(each["serves_default"], each["categories"]) for each in listed] == [
        (True, []),
        (False, ["dress"]),
    ]


def test_an_encoder_that_serves_is_not_deleted(filled, installed):
    filled("encoders", "activate", installed)
    result = filled("encoders", "delete", installed)

    assert result.exit_code == 1
    assert "it serves" in result.stderr


def test_a_folder_that_is_no_bundle_is_not_installed(run: Run, tmp_path: Path):
    (tmp_path / "readme.txt").write_text("no bundle")
    result = run("encoders", "install", tmp_path)

    assert result.exit_code != 0
    assert "manifest.json" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_zip_on_the_server_needs_an_import_root(run: Run):
    result = run("encoders", "install", "next.zip", "--on-server")

    assert result.exit_code == 1
    assert "--import-root" in result.stderr
