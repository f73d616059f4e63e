import json

import pytest
from click.testing import CliRunner

from stylefacet_training.cli import main


def run_command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def evaluated(tiny_bundle, judged_garments, fit_garments, tmp_path_factory):
    out = tmp_path_factory.mktemp("figures") / "figures.json"
    result = run_command(
        "evaluate",
        *("--bundle", tiny_bundle.path, "--data", judged_garments, "--fit-data", fit_garments),
        *("--attributes", "labels.colour,labels.collar", "--draws", 2, "--without-imagenet"),
        *("--json", out),
    )
    assert result.exit_code == 0, result.output
    return result, json.loads(out.read_text())


def test_evaluate_prints_a_row_for_every_representation(evaluated, tiny_bundle):
    printed = evaluated[0].stdout

    for words in ("random", "PCA 20 of pixels", "PCA 8 of pixels", "named-20", "feature collar"):
        assert words in printed
    assert "every block once" in printed
    assert tiny_bundle.id in printed


def test_evaluate_writes_every_figure_with_what_it_rests_on(evaluated, tiny_bundle):
    record = evaluated[1]["attributes"]

    assert record["bundle_id"] == tiny_bundle.id
    assert (record["photo_count"], record["fit_photo_count"]) == (90, 120)
    assert (record["seed"], record["draw_count"]) == (0, 2)
    ours = record["rows"][-1]["named_20"]["labels.colour"]
    chance = record["facts"]["labels.colour"]["chance"]["precision_at_10"]
    # An encoder of mean colours finds colours.
    assert ours["figure"]["precision_at_10"] > chance + 0.04
    assert set(ours["leak"]) == {"labels.collar"}


def test_robustness_prints_and_writes_figures(tiny_bundle, judged_garments, tmp_path):
    out = tmp_path / "robustness.json"
    result = run_command(
        "robustness",
        *("--bundle", tiny_bundle.path, "--data", judged_garments, "--limit", 10, "--json", out),
    )

    assert result.exit_code == 0, result.output
    assert "mirrored" in result.stdout
    record = json.loads(out.read_text())["robustness"]
    assert record["alterations"]["mirrored"]["photo_count"] == 10
    assert record["photo_count"] == 10


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ([], 2, "or --garments COUNT"),
        (["--data", "."], 2, "go together"),
        (["--data", "{a}", "--fit-data", "{b}", "--attributes", ","], 2, "names no column"),
        (["--data", "{a}", "--fit-data", "{b}", "--attributes", "neck"], 2, "no column 'neck'"),
        (
            ["--data", "{a}", "--fit-data", "{a}", "--attributes", "labels.collar"],
            2,
            "90 photos are in both folders",
        ),
    ],
)
def test_a_mistake_is_one_line(
    tiny_bundle, judged_garments, fit_garments, arguments, exit_code, words
):
    filled = [text.format(a=judged_garments, b=fit_garments) for text in arguments]

    result = run_command("evaluate", "--bundle", tiny_bundle.path, *filled)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert "Traceback" not in result.output
