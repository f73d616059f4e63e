import numpy as np
import pytest
from click.testing import CliRunner

from stylefacet.errors import InvalidField
from stylefacet_training.cli import main
from stylefacet_training.evaluation.agreement import _explained, agreement
from stylefacet_training.terminal import Terminal


def test_an_encoder_agrees_with_itself(tiny_bundle, judged_garments):
    found = agreement([tiny_bundle] * 2, str(judged_garments), limit=40, terminal=Terminal())

    assert found.photo_count == 40
    assert found.active_count["whole"][0] > 0
    assert all(np.allclose(scores, 1.0) for scores in found.subspace.values())


def test_turned_axes_span_the_same_space_and_noise_another():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((500, 4))
    turned = codes @ np.linalg.qr(rng.standard_normal((4, 4)))[0]

    assert _explained(codes, turned) == pytest.approx(1.0)
    assert _explained(codes, rng.standard_normal((500, 4))) < 0.05


def test_one_bundle_has_nobody_to_agree_with(tiny_bundle, judged_garments):
    with pytest.raises(InvalidField, match="two or more"):
        agreement([tiny_bundle], str(judged_garments), limit=40, terminal=Terminal())


def test_agree_prints_a_row_a_block(tiny_bundle, judged_garments):
    bundle = ["--bundle", str(tiny_bundle.path)] * 2
    result = CliRunner().invoke(main, ["agree", *bundle, "--data", str(judged_garments)])

    assert result.exit_code == 0, result.output
    assert "whole" in result.stdout
    assert "UDR" in result.stdout
