"""Objectives with a companion that judges pictures or latent vectors; knows no layers, no data.

Sources: Makhzani et al. 2016 (adversarial autoencoder), Larsen et al. 2016 (VAE-GAN), Chen et al.
2016 (InfoGAN), SSY098 project report, section 3.3 (task-driven loss).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.config import GenerationLoss
from stylefacet_training.losses import GENERATION_LOSSES, Batch, Losses, latent_loss
from stylefacet_training.models.base import PixelModel, unit_pixels
from stylefacet_training.models.critics import LatentCritic, PictureCritic, PictureDiscriminator
from stylefacet_training.models.infogan import InfoGan
from stylefacet_training.regularizers import telling_apart


@dataclass(frozen=True, slots=True)
class AdversarialAutoencoder:
    """Reconstruction, and a discriminator instead of the latent loss.

    It tells latent vectors from draws of N(0, I), and the encoder shall deceive it. The encoder
    is the paper's third, with a Gaussian posterior. Reported latent losses are not minimised.
    """

    model: PixelModel
    critic: LatentCritic
    generation_loss: GenerationLoss
    weight: float

    @property
    def companion(self) -> nn.Module:
        """The discriminator of latent vectors."""
        return self.critic

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        posterior = self.model.encode(batch.pixels)
        z = posterior.sample()
        target = unit_pixels(batch.pixels)
        logits = self.model.decode_logits(z)
        generation = GENERATION_LOSSES[self.generation_loss](logits, target).mean()
        deceit = functional.softplus(-self.critic(z)).mean()
        return Losses(
            generation + self.weight * deceit,
            generation,
            latent_loss(posterior).mean(0),
            {"deceit": deceit},
            telling_apart(self.critic(torch.randn_like(z)), self.critic(z.detach())),
        )


@dataclass(frozen=True, slots=True)
class VaeGan:
    """Reconstruction of what a discriminator of pictures sees, not of pixels.

    The encoder minimises the latent loss and the error in the discriminator's last layer; the
    decoder the same error and, ``weight`` times, what the discriminator makes of reconstructions
    and of samples. Source: Larsen et al. 2016, algorithm 1. One layer is compared, as there; the
    report speaks of every layer.
    """

    model: PixelModel
    critic: PictureDiscriminator
    beta: float
    weight: float

    @property
    def companion(self) -> nn.Module:
        """The discriminator of pictures."""
        return self.critic

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        posterior = self.model.encode(batch.pixels)
        z = posterior.sample()
        real = unit_pixels(batch.pixels)
        decoded = self.model.decode(z)
        seen, seen_decoded = self.critic.features(torch.cat([real, decoded])).chunk(2)
        similarity = 0.5 * (seen_decoded - seen.detach()).square().sum(1).mean()
        # Without z's gradient: what the discriminator says of realism is the decoder's business.
        made = self.model.decode(torch.cat([z.detach(), torch.randn_like(z)]))
        deceit = functional.softplus(-self._judged(real, made)[1]).mean()
        latent = latent_loss(posterior)
        return Losses(
            similarity + self.beta * latent.sum(1).mean() + self.weight * deceit,
            similarity,
            latent.mean(0),
            {"deceit": deceit, "pixel_error": (decoded - real).square().flatten(1).sum(1).mean()},
            telling_apart(*self._judged(real, made.detach())),
        )

    def _judged(self, real: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits ``(n, 1)`` of both, seen in one batch: one normalisation holds for all.

        Source: the paper's own code, which does so for the similarity too.
        """
        logits = self.critic(torch.cat([real, made]))
        return logits[: len(real)], logits[len(real) :]


@dataclass(frozen=True, slots=True)
class InfoGanObjective:
    """A generator that deceives a discriminator and whose code can be read off its pictures.

    The model's encoder is the paper's Q; it sees generated pictures alone, and the mutual
    information's bound is ``beta`` times the code's log-likelihood. Generation and latent loss of
    real pictures are reported, not minimised. Source: Chen et al. 2016, equations 5 and 6.
    """

    model: InfoGan
    critic: PictureDiscriminator
    beta: float

    @property
    def companion(self) -> nn.Module:
        """The discriminator of pictures."""
        return self.critic

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        real = unit_pixels(batch.pixels)
        z = torch.randn(len(real), self.model.latent_dims, device=real.device)
        made = self.model.generate(z)
        read = self.model.encode_unit(made)
        likelihood = -0.5 * ((z - read.mean).square() * torch.exp(-read.logvar) + read.logvar)
        deceit = functional.softplus(-self.critic(made)).mean()
        information = likelihood.sum(1).mean()
        return Losses(
            deceit - self.beta * information,
            *self._costs(real),
            {"deceit": deceit, "information": information},
            telling_apart(self.critic(real), self.critic(made.detach())),
        )

    @torch.no_grad()
    def _costs(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Returns generation and latent loss of real pictures ``(b, h, w, c)`` in 0..1.

        The model learns nothing from them, not even what its batch normalisation keeps.
        """
        training = self.model.training
        self.model.eval()
        posterior = self.model.encode_unit(real)
        logits = self.model.decode_logits(posterior.mean)
        self.model.train(training)
        cost = GENERATION_LOSSES[GenerationLoss.BINARY_CROSS_ENTROPY](logits, real).mean()
        return cost, latent_loss(posterior).mean(0)


@dataclass(frozen=True, slots=True)
class TaskDriven:
    """The VAE's losses and, ``weight`` times, a classifier's cross-entropy on reconstructions.

    The classifier learns from real pictures alone: the report fears that it would learn from early
    reconstructions that look like nothing. ``classes`` is ``(n,)`` int64 for the picture set.
    """

    model: PixelModel
    classifier: PictureCritic
    classes: Tensor
    generation_loss: GenerationLoss
    beta: float
    weight: float

    @property
    def companion(self) -> nn.Module:
        """The classifier."""
        return self.classifier

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        posterior = self.model.encode(batch.pixels)
        logits = self.model.decode_logits(posterior.sample())
        target = unit_pixels(batch.pixels)
        generation = GENERATION_LOSSES[self.generation_loss](logits, target).mean()
        latent = latent_loss(posterior)
        classes = self.classes[batch.index]
        task = functional.cross_entropy(self.classifier(torch.sigmoid(logits)), classes)
        return Losses(
            generation + self.beta * latent.sum(1).mean() + self.weight * task,
            generation,
            latent.mean(0),
            {"task": task},
            functional.cross_entropy(self.classifier(target), classes),
        )
