"""label_noise: a share of the training labels is wrong."""

import dataclasses

import torch

from sparse.options import option
from trainer import seeding
from trainer.data.bundle import Splits
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.sources import Sources


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LabelNoiseOptions:
    """Options of label_noise."""

    share: float = option(0.2, ge=0, lt=1, help="share of the training labels that is replaced")
    noise_seed: int = option(0, ge=0, help="names the draw; the same for every cell seed")


@SCENARIOS.register(
    "label_noise", summary="wrong training labels, right ones elsewhere", options=LabelNoiseOptions
)
class LabelNoise(Scenario):
    """Random training examples get the number of another class."""

    def transform(self, splits: Splits, sources: Sources) -> Splits:
        """Replace labels of the training split."""
        draws = seeding.generator(self.options.noise_seed, "label_noise")
        targets, classes = splits.train.targets.clone(), splits.raw.classes
        count = round(self.options.share * len(targets))
        chosen = torch.randperm(len(targets), generator=draws)[:count]
        steps = torch.randint(1, classes, (count,), generator=draws)
        targets[chosen] = (targets[chosen] + steps) % classes
        return dataclasses.replace(splits, train=dataclasses.replace(splits.train, targets=targets))
