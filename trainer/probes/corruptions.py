"""The probe ``corruptions``: accuracy of the final network under many kinds of damage."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sparse.options import option
from trainer.corruptions import COMMON, CORRUPTIONS, check
from trainer.corruptions.arrays import Originals
from trainer.data.bundle import Split
from trainer.probes import PROBES
from trainer.probes.base import Conditions, Probe
from trainer.probes.subject import Subject

MEAN = "corruption_accuracy"
"""The metric with the mean over all corruptions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorruptionsOptions:
    """Which damage the network meets."""

    corruptions: tuple[str, ...] = option(
        tuple(COMMON),
        help="which corruptions",
        choices=tuple(CORRUPTIONS),
        min_items=1,
        unique=True,
    )
    severities: tuple[int, ...] = option(
        (1, 2, 3, 4, 5), help="severities to average over", ge=1, le=6, min_items=1, unique=True
    )
    corruption_seed: int = option(
        0, help="names the draws of the corruptions; the same for every cell seed", ge=0
    )


def _metric(name: str, of: str) -> dict[str, str]:
    return {
        "name": name,
        "unit": "fraction",
        "better": "higher",
        "help": f"accuracy of the final weights on the test split under {of}, mean over severities",
    }


@PROBES.register(
    "corruptions",
    summary="accuracy on the test split under common corruptions, mean over severities",
    options=CorruptionsOptions,
    metrics=[
        _metric(MEAN, "the corruptions asked for"),
        *(_metric(f"{name}_accuracy", name.replace("_", " ")) for name in CORRUPTIONS),
    ],
    needs_pixels=True,
    storages=("masked", "csr"),
)
class Corruptions(Probe):
    """The mean over corruptions of the mean over severities of the accuracy.

    The clean test split is corrupted, also where the cell trained on corrupted images. The arrays
    are shared with all cells that measure the same, and with the scenario ``corrupted``.
    """

    options: CorruptionsOptions

    def refuse_unfit(self, conditions: Conditions) -> None:
        """Refuse inputs that are no images, or images that a corruption cannot take."""
        channels, *sides = conditions.input_shape
        for name in self.options.corruptions:
            for severity in self.options.severities:
                check(name, severity, (1, *sides, channels))

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """The accuracy under each corruption, and their mean."""
        clean = subject.bundle.clean_test
        originals = Originals.of(subject.cell.dataset.name, [clean], white=1.0)
        found = {
            f"{name}_accuracy": self._accuracy(subject, name, clean, originals)
            for name in self.options.corruptions
        }
        return {MEAN: sum(found.values()) / len(found), **found}

    def _accuracy(self, subject: Subject, name: str, clean: Split, originals: Originals) -> float:
        accuracies = []
        for severity in self.options.severities:
            images = originals.corrupted(
                subject.shared,
                corruption=name,
                severity=severity,
                seed=self.options.corruption_seed,
            )
            inputs = originals.inputs_of(clean.ids, images)
            accuracies.append(subject.accuracy(replace(clean, inputs=inputs)))
        return sum(accuracies) / len(accuracies)
