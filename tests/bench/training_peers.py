"""Training loops side by side, in one run: ``poe bench-training``.

The thesis network is trained by this package's loop, by that of YannDubs/disentangling-vae and by
that of pythae: the same layers with the same first weights, the same random pictures and batches,
beta-VAE with a Bernoulli likelihood and Adam, all cores. Loops take turns, an epoch each, so that a
busy machine slows all alike; CPU time stands beside wall time. How fast each draws its batches
alone says whether the data keep its network waiting. Writes JSON to ``--json`` and prints one
Markdown table.

pythae is used where it is installed, disentangling-vae from a checkout that ``--disentangling-vae``
names (with imageio and tqdm installed); what is missing is left out.
"""

import argparse
import copy
import json
import logging
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from stylefacet_training.config import TrainConfig
from stylefacet_training.loop import Learner, batches, run_epoch
from stylefacet_training.losses import PixelObjective
from stylefacet_training.memory import keep_freed_memory
from stylefacet_training.models.thesis import ThesisVae
from stylefacet_training.regularizers import build_regularizer

BETA = 4.0


class Loop:
    """A training loop over pictures ``(n, h, w, 3)`` uint8."""

    name = ""

    def __init__(self, model: ThesisVae, pixels: Tensor, config: TrainConfig) -> None:
        """Makes a loop that trains a network from its present weights."""

    def train(self) -> None:
        """Trains one epoch."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draws the batches of an epoch as the loop does, and trains on none."""
        raise NotImplementedError


class Stylefacet(Loop):
    """This package's loop, as `stylefacet-train train` sets it up."""

    name = "stylefacet-train"

    def __init__(self, model: ThesisVae, pixels: Tensor, config: TrainConfig) -> None:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        regularizer = build_regularizer(config)
        objective = PixelObjective(
            model, config.generation_loss, regularizer, config.warm_up_epochs
        )
        self._learner, self._pixels, self._config = (
            Learner(model, objective, config),
            pixels,
            config,
        )

    def _batches(self) -> Iterable[Any]:
        order = torch.randperm(len(self._pixels)).numpy()
        return batches(self._pixels, order, self._config.batch_size, torch.device("cpu"))

    def train(self) -> None:
        """Trains one epoch."""
        step_count = -(-len(self._pixels) // self._config.batch_size)
        run_epoch(self._learner, self._batches(), step_count, epoch=1)

    def draw(self) -> None:
        """Draws the batches of an epoch."""
        for batch in self._batches():
            batch.pixels.sum()


class Shell(nn.Module):
    """The same layers behind the interface of a peer: pictures ``(b, 3, h, w)`` float in 0..1."""

    def __init__(self, layers: ThesisVae) -> None:
        super().__init__()
        self.layers = layers

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and logarithm of the variance."""
        posterior = self.layers.encode_unit(pictures.permute(0, 2, 3, 1))
        return posterior.mean, posterior.logvar

    def decode(self, z: Tensor) -> Tensor:
        """Returns pictures."""
        return torch.sigmoid(self.layers.decode_logits(z)).permute(0, 3, 1, 2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
        """Returns reconstruction, distribution and sample."""
        mean, logvar = self.encode(pictures)
        sample = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return self.decode(sample), (mean, logvar), sample


class DisentanglingVae(Loop):
    """The ``Trainer`` of YannDubs/disentangling-vae with its beta-VAE loss."""

    name = "disentangling-vae"

    def __init__(self, model: ThesisVae, pixels: Tensor, config: TrainConfig) -> None:
        from disvae.models.losses import BetaHLoss
        from disvae.training import Trainer

        shell = Shell(model)
        data = TensorDataset(_as_floats(pixels), torch.zeros(len(pixels)))
        self._loader = DataLoader(data, batch_size=config.batch_size, shuffle=True)
        optimizer = torch.optim.Adam(shell.parameters(), lr=config.learning_rate)
        self._folder = tempfile.TemporaryDirectory()
        self._trainer = Trainer(
            shell,
            optimizer,
            BetaHLoss(beta=BETA, rec_dist="bernoulli"),
            logger=logging.getLogger("disentangling-vae"),
            save_dir=self._folder.name,
            is_progress_bar=False,
        )

    def train(self) -> None:
        """Trains one epoch, without the checkpoint that a whole training begins with."""
        self._trainer.model.train()
        self._trainer._train_epoch(self._loader, defaultdict(list), 1)

    def draw(self) -> None:
        """Draws the batches of an epoch."""
        for pictures, _ in self._loader:
            pictures.sum()


class Pythae(Loop):
    """pythae's ``BaseTrainer`` with its ``BetaVAE``."""

    name = "pythae"

    def __init__(self, model: ThesisVae, pixels: Tensor, config: TrainConfig) -> None:
        from pythae.data.datasets import BaseDataset
        from pythae.models import BetaVAE, BetaVAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
        from pythae.trainers import BaseTrainer, BaseTrainerConfig

        class Encoder(BaseEncoder):  # type: ignore[misc]
            def __init__(self, shell: Shell) -> None:
                super().__init__()
                self.shell = shell

            def forward(self, x: Tensor) -> Any:
                mean, logvar = self.shell.encode(x)
                return ModelOutput(embedding=mean, log_covariance=logvar)

        class Decoder(BaseDecoder):  # type: ignore[misc]
            def __init__(self, shell: Shell) -> None:
                super().__init__()
                self.shell = shell

            def forward(self, z: Tensor) -> Any:
                return ModelOutput(reconstruction=self.shell.decode(z))

        shell = Shell(model)
        wanted = BetaVAEConfig(
            input_dim=(3, config.height_px, config.width_px),
            latent_dim=config.latent_dims,
            beta=BETA,
            reconstruction_loss="bce",
        )
        self._folder = tempfile.TemporaryDirectory()
        self._trainer = BaseTrainer(
            model=BetaVAE(wanted, encoder=Encoder(shell), decoder=Decoder(shell)),
            train_dataset=BaseDataset(_as_floats(pixels), torch.zeros(len(pixels))),
            training_config=BaseTrainerConfig(
                output_dir=self._folder.name,
                per_device_train_batch_size=config.batch_size,
                learning_rate=config.learning_rate,
                no_cuda=True,
            ),
            callbacks=[],
        )
        self._trainer.prepare_training()

    def train(self) -> None:
        """Trains one epoch."""
        self._trainer.train_step(epoch=1)

    def draw(self) -> None:
        """Draws the batches of an epoch."""
        for inputs in self._trainer.train_loader:
            inputs["data"].sum()


KINDS: tuple[type[Loop], ...] = (Stylefacet, DisentanglingVae, Pythae)


def _as_floats(pixels: Tensor) -> Tensor:
    return (pixels.permute(0, 3, 1, 2).float() / 255).contiguous()


def build(pixels: Tensor, config: TrainConfig) -> list[Loop]:
    """Returns the loops that are at hand, each with its own copy of one network."""
    torch.manual_seed(0)
    first = ThesisVae(config.latent_dims, config.height_px, config.width_px)
    loops = []
    for kind in KINDS:
        try:
            loops.append(kind(copy.deepcopy(first), pixels, config))
        except ModuleNotFoundError as error:
            print(f"left out {kind.name}: {error}", file=sys.stderr)
    return loops


def spent(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Returns pictures a second of wall time, and milliseconds of CPU time a picture."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    elapsed_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    return count / elapsed_s, 1e3 * cpu_s / count


def measure(loops: list[Loop], count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Returns medians over the rounds; a first round warms up."""
    found: dict[str, list[tuple[float, float, float]]] = {loop.name: [] for loop in loops}
    for number in range(rounds + 1):
        for loop in loops:
            drawn = spent(loop.draw, count)
            trained = spent(loop.train, count)
            if number:
                found[loop.name].append((*trained, drawn[1]))
    figures = {}
    for name, values in found.items():
        images_per_s, cpu_ms, draw_ms = np.median(np.array(values), axis=0).tolist()
        figures[name] = {
            "images_per_s": round(images_per_s, 1),
            "cpu_ms": round(cpu_ms, 3),
            "drawing_cpu_ms": round(draw_ms, 4),
        }
    return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    """Returns a Markdown table."""
    lines = [
        "| loop | images/s | CPU ms an image | of it drawing batches |",
        "| --- | --: | --: | --: |",
    ]
    for name, row in figures.items():
        share = row["drawing_cpu_ms"] / row["cpu_ms"]
        lines.append(f"| {name} | {row['images_per_s']:.0f} | {row['cpu_ms']:.2f} | {share:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--disentangling-vae", type=Path, help="a checkout of it")
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--batch-size", type=int, default=TrainConfig().batch_size)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.disentangling_vae:
        sys.path.insert(0, str(options.disentangling_vae))
    keep_freed_memory()
    torch.set_num_threads(os.cpu_count() or 1)
    config = TrainConfig(batch_size=options.batch_size, beta=BETA)
    rng = np.random.default_rng(0)
    shape = (options.pictures, config.height_px, config.width_px, 3)
    pixels = torch.from_numpy(rng.integers(0, 256, shape, np.uint8))
    figures = measure(build(pixels, config), options.pictures, options.rounds)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(
        f"{options.pictures:,} pictures of {config.height_px}x{config.width_px}, batches of "
        f"{options.batch_size}, medians of {options.rounds} epochs, {machine}\n\n{table(figures)}"
    )
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
