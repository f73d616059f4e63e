import numpy as np
import pytest
import torch

from stylefacet.errors import InvalidField
from stylefacet_training.classifying import accuracy, train_classifier
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.models.thesis import ThesisVae
from stylefacet_training.router import Router


@pytest.fixture
def two_models() -> list[ThesisVae]:
    """One that decodes to black, one to white, whatever it sees."""
    models = []
    for logit in (-6.0, 6.0):
        model = ThesisVae(2, 32, 32).eval()
        last = model.deconvolutions[-1]
        assert isinstance(last, torch.nn.ConvTranspose2d)
        torch.nn.init.zeros_(last.weight)
        assert last.bias is not None
        torch.nn.init.constant_(last.bias, logit)
        models.append(model)
    return models


@pytest.fixture
def pictures() -> np.ndarray:
    pixels = np.zeros((6, 32, 32, 3), np.uint8)
    pixels[1::2] = 250
    return pixels


def test_the_smallest_reconstruction_loss_chooses(two_models, pictures):
    routes = Router(two_models).by_reconstruction(pictures)

    assert routes.tolist() == [0, 1, 0, 1, 0, 1]


def test_losses_are_those_of_each_model(two_models, pictures):
    losses = Router(two_models).losses(pictures)

    # log(1 + e^-6) a value where it is right.
    assert losses[0, 0] == pytest.approx(3072 * np.log1p(np.exp(-6)), rel=1e-3)
    assert losses.shape == (6, 2)


def test_a_classifier_chooses(two_models, pictures):
    many = np.tile(pictures, (10, 1, 1, 1))
    classes = np.tile([0, 1], 30)
    classifier = train_classifier(many, classes, 2, epochs=5)

    assert accuracy(classifier, many, classes) == 1.0
    assert Router(two_models).by_classifier(pictures, classifier).tolist() == [0, 1, 0, 1, 0, 1]


@pytest.fixture
def labelled(photos, tmp_path):
    """A folder whose table says 'left' of the first ten photos."""
    (tmp_path / "images").symlink_to(photos, target_is_directory=True)
    names = sorted(path.name for path in photos.iterdir())[:30]
    rows = [f"{name},{'left' if i < 10 else 'right'}" for i, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("filename,side\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_photos_are_chosen_by_a_column(labelled):
    found = read_pictures([f"chosen:{labelled},column=side,value=left,first=4,count=5"], 32, 32)

    assert found.names == ("004.jpg", "005.jpg", "006.jpg", "007.jpg", "008.jpg")
    assert len(set(found.groups)) == 5


def test_too_few_photos_of_a_value_are_refused(labelled):
    with pytest.raises(InvalidField, match="has 10 photos of side 'left'"):
        read_pictures([f"chosen:{labelled},column=side,value=left,count=11"], 32, 32)


def test_a_choice_without_a_column_is_refused(labelled):
    with pytest.raises(InvalidField, match="is not chosen:FOLDER"):
        read_pictures([f"chosen:{labelled},value=left"], 32, 32)


def test_a_value_that_no_photo_has_is_named(labelled):
    with pytest.raises(InvalidField, match="has no photo of side 'top'"):
        read_pictures([f"chosen:{labelled},column=side,value=top"], 32, 32)
