import json
from pathlib import Path

from click.testing import CliRunner
from PIL import Image

from stylefacet_training.cli import main


def test_neighbours_writes_a_picture_a_feature(tiny_bundle, judged_garments, tmp_path):
    result = CliRunner().invoke(
        main,
        [
            "neighbours",
            *("--bundle", str(tiny_bundle.path)),
            *("--data", str(judged_garments)),
            *("--out", str(tmp_path)),
            "--json",
        ],
    )

    assert result.exit_code == 0, result.output
    paths = [Path(path) for path in json.loads(result.stdout)["pictures"]]
    assert {path.name for path in paths} >= {"collar.png", "every_block_once.png"}
    with Image.open(paths[0]) as picture:
        assert picture.width > 7 * 20
