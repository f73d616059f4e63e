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
        ],
    )

    assert result.exit_code == 0, result.output
    paths = result.stdout.split("\n")[:-1]
    assert {path.rsplit("/", 1)[1] for path in paths} >= {"collar.png", "every_block_once.png"}
    assert Image.open(paths[0]).size[0] > 7 * 20
