"""The probe ``generalisation``: accuracy on training and test split while a cell trains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparse.options import option
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe, every_so_many
from trainer.probes.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneralisationOptions:
    """When it is measured."""

    every: int = option(10, ge=0, help="epochs between two measurements; 0: at the end only")


@PROBES.register(
    "generalisation",
    summary="accuracy on training and test split over epochs, and what choosing by test would say",
    options=GeneralisationOptions,
    metrics=[
        {
            "name": "largest_generalisation_gap",
            "unit": "fraction",
            "better": "lower",
            "help": "largest measured epoch_train_accuracy minus epoch_test_accuracy",
        },
        {
            "name": "test_max_accuracy",
            "unit": "fraction",
            "better": "higher",
            "help": "highest measured test accuracy: biased, only to compare with published maxima",
        },
        {
            "name": "test_max_optimism",
            "unit": "fraction",
            "better": "lower",
            "help": "test_max_accuracy minus test_accuracy: what choosing by the test split adds",
        },
    ],
    storages=("masked", "csr"),
)
class Generalisation(Probe):
    """The gap between training and test split while a cell trains.

    Curves: ``epoch_train_accuracy`` and ``epoch_test_accuracy``, of the weights at the end of an
    epoch in evaluation mode, and ``epoch_generalisation_gap``, the first minus the second.

    The test split is measured, and chooses nothing: published accuracies are often maxima over
    epochs on the test split, and ``test_max_optimism`` says what that is worth.
    """

    options: GeneralisationOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """At every so many epochs, and at the end."""
        return every_so_many(self.options.every, epoch, epochs)

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Accuracy on both splits, and the gap."""
        train, test = (subject.accuracy(subject.split(name)) for name in ("train", "test"))
        return {
            "epoch_train_accuracy": train,
            "epoch_test_accuracy": test,
            "epoch_generalisation_gap": train - test,
        }

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The largest gap, and the highest test accuracy."""
        tests = [values["epoch_test_accuracy"] for _, values in points]
        gaps = [values["epoch_generalisation_gap"] for _, values in points]
        return {
            "largest_generalisation_gap": max(gaps),
            "test_max_accuracy": max(tests),
            "test_max_optimism": max(tests) - tests[-1],
        }
