import pytest

from stylefacet.errors import SettingInvalid
from stylefacet_training.config import (
    PRESETS,
    GenerationLoss,
    TrainConfig,
    differences,
    preset,
    with_settings,
)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_a_round_trip_through_json(name):
    config = with_settings(preset(name), {"pairs_column": "product_code"})

    assert TrainConfig.from_json(config.to_json()) == config


def test_a_preset_states_only_differences():
    changed = set(differences(preset("thesis"), TrainConfig()))

    assert changed == set(PRESETS["thesis"])


def test_text_becomes_the_type_of_its_setting():
    config = with_settings(
        TrainConfig(), {"epochs": "3", "beta": "0.5", "generation_loss": "squared_error"}
    )

    assert (config.epochs, config.beta) == (3, 0.5)
    assert config.generation_loss is GenerationLoss.SQUARED_ERROR


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(SettingInvalid, match="did you mean 'latent_dims'"):
        with_settings(TrainConfig(), {"latent_dim": 3})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", "many"),
        ("epochs", "0"),
        ("beta", "-1"),
        ("beta", "nan"),
        ("learning_rate", "inf"),
        ("validation_share", "1"),
        ("generation_loss", "hinge"),
        ("seed", "1.5"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(SettingInvalid, match=name):
        with_settings(TrainConfig(), {name: value})
