"""One autoencoder a product type and a router over them: the thesis' future work (document 000)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stylefacet_training.classifying import train_classifier
from stylefacet_training.lab.bench import DATA, Bench, codes_of
from stylefacet_training.lab.experiment import Arm, Experiment
from stylefacet_training.models.base import PixelModel
from stylefacet_training.plots import sheet
from stylefacet_training.router import Router
from stylefacet_training.traversals import decode_codes

HEIGHT_PX, WIDTH_PX = 96, 64
# Photos of a type that are trained on, and those after them in the table that are judged.
TRAINED, QUICK_TRAINED, JUDGED = 180, 100, 50
CLASSIFIER_EPOCHS = 12
TOGETHER = "together"
# hm_tops holds tops alone: its types are one family. Bags are left out: there are 113.
FAMILIES: Mapping[str, tuple[str, str, str]] = {
    "tops": ("hm_tops", "split", "open"),
    **{
        name: ("hm_catalogue", "product_class", name)
        for name in ("trousers", "dress", "outerwear", "skirt", "shorts", "footwear")
    },
}


def source(family: str, first: int, count: int) -> str:
    """Returns where some photos of a family are."""
    folder, column, value = FAMILIES[family]
    return f"chosen:{DATA}/{folder},column={column},value={value},first={first},count={count}"


def perform(bench: Bench) -> None:
    """Trains an autoencoder a family and one of all, then routes photos none of them has seen."""
    count = QUICK_TRAINED if bench.quick else TRAINED
    trained = {arm.name: bench.train(_at(arm, count)) for arm in bench.arms}
    for each in trained.values():
        bench.note_arm(each)
    if set(trained) != {*FAMILIES, TOGETHER}:
        return
    models = [trained[name].model for name in FAMILIES]
    router = Router([model for model in models if isinstance(model, PixelModel)])
    single = trained[TOGETHER].model
    assert isinstance(single, PixelModel)
    seen, seen_class = _photos(bench, 0, count)
    judged, truth = _photos(bench, TRAINED, JUDGED)
    classifier = train_classifier(seen, seen_class, len(FAMILIES), epochs=CLASSIFIER_EPOCHS)

    losses = router.losses(judged)
    routes = {
        "reconstruction": losses.argmin(axis=1),
        "classifier": router.by_classifier(judged, classifier),
    }
    rows = np.arange(len(judged))
    figures = {"loss_together": float(Router([single]).losses(judged).mean())}
    figures["loss_right_route"] = float(losses[rows, truth].mean())
    for name, route in routes.items():
        figures[f"right_by_{name}"] = 100 * float((route == truth).mean())
        figures[f"loss_by_{name}"] = float(losses[rows, route].mean())
        for number, family in enumerate(FAMILIES):
            mine = truth == number
            figures[f"{family}_by_{name}"] = 100 * float((route[mine] == number).mean())
    bench.note("all", figures)
    _draw(bench, router, judged, truth, routes["reconstruction"])


def _draw(
    bench: Bench,
    router: Router,
    judged: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.int64],
    route: npt.NDArray[np.int64],
) -> None:
    """Draws two photos a family, each as its own and as its routed autoencoder decodes it."""
    rows = []
    for number in range(len(FAMILIES)):
        row = []
        for i in np.flatnonzero(truth == number)[:2]:
            row.append(judged[i])
            for chosen in (number, int(route[i])):
                mean, _ = codes_of(router.models[chosen], judged[i : i + 1])
                row += list(decode_codes(router.models[chosen], mean))
        rows.append(row)
    title = "A photo, decoded by its own family's autoencoder and by the one of the smallest loss"
    bench.picture("routed", sheet(title, rows, list(FAMILIES), ["photo", "own", "routed"] * 2))


def _photos(
    bench: Bench, first: int, count: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    parts = [
        bench.read(source(family, first, count), HEIGHT_PX, WIDTH_PX).pixels for family in FAMILIES
    ]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), count)


def _at(arm: Arm, count: int) -> Arm:
    """Returns an arm on so many photos a family."""
    families = tuple(FAMILIES) if arm.name == TOGETHER else (arm.name,)
    data = tuple(source(family, 0, count) for family in families)
    return Arm(arm.name, {**arm.settings, "data": data})


_SETTINGS: Mapping[str, Any] = {"latent_dims": 20, "beta": 1.0}
ROUTER = Experiment(
    name="router",
    source="000",
    title="Future work: one autoencoder a product type, chosen by loss or by a classifier",
    arms=tuple(_at(Arm(name, _SETTINGS), TRAINED) for name in (*FAMILIES, TOGETHER)),
    perform=perform,
    # Ten photos a step: 90 a family would be two steps an epoch of fifty.
    quick={"epochs": 30, "batch_size": 10},
    further=("all",),
    minutes=10,
    quick_minutes=4,
)
EXPERIMENTS = (ROUTER,)
