"""The probe ``robust``: accuracy under attack, while the cell trains and at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparse.options import option
from trainer import seeding
from trainer.attacks import EPSILONS, Attack, make_attack, perturb
from trainer.autoattack import LEAST_CLASSES, autoattack
from trainer.data.bundle import Split, as_pixels
from trainer.evaluate import Change
from trainer.probes import PROBES
from trainer.probes.base import Conditions, Point, Probe, every_so_many
from trainer.probes.subject import Subject

CHUNK = 256
"""Examples attacked together. Fixed, so that bits do not depend on what runs beside a cell."""

TEST, VAL, TRAIN = (f"robust_{name}_accuracy" for name in ("test", "val", "train"))
"""Accuracy under projected gradient descent, by split."""

FGSM, AUTOATTACK = "fgsm_test_accuracy", "autoattack_test_accuracy"
"""Accuracy on the test split under one step, and under the ensemble."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RobustOptions:
    """The attacks, and when they are made."""

    steps: int = option(20, ge=1, help="steps of projected gradient descent")
    norm: str | None = option(
        None, choices=tuple(EPSILONS), help="null: that of the scenario adversarial, else linf"
    )
    epsilon: float | None = option(
        None,
        gt=0,
        lt=8,
        le_where={"norm": {"linf": 1.0}},
        parts=255,
        help="largest change; null: the scenario's of this norm, else 8/255, or 128/255 for l2",
    )
    step_size: float | None = option(
        None, gt=0, lt=8, help="null: the scenario's for this epsilon, else a quarter of epsilon"
    )
    random_start: bool = option(True, help="begin at a random point of the ball")
    every: int = option(20, ge=0, help="epochs between two measurements; 0: at the end only")
    examples: int | None = option(
        None, ge=1, help="so many of every split, the same for every cell seed; null: all"
    )
    fgsm: bool = option(False, help="measure under one step of size epsilon too")
    autoattack: bool = option(False, help="measure under AutoAttack too, at the end")


def _metric(name: str, help: str, unit: str = "fraction", better: str = "higher") -> dict[str, str]:
    return {"name": name, "unit": unit, "better": better, "help": help}


_METRICS = (
    _metric(TEST, "accuracy of the final weights on the test split under PGD"),
    _metric(VAL, "accuracy of the final weights on the validation split under PGD"),
    _metric(TRAIN, "accuracy of the final weights on the training split under PGD"),
    _metric(
        "robust_generalisation_gap",
        "robust_train_accuracy minus robust_test_accuracy",
        better="lower",
    ),
    _metric("best_robust_val_accuracy", "highest of the measured robust_val_accuracy"),
    _metric(
        "best_robust_val_epoch",
        "first measured epoch that reached best_robust_val_accuracy",
        "epochs",
        "lower",
    ),
    _metric(
        "robust_test_accuracy_at_best_val",
        "robust_test_accuracy of the weights of best_robust_val_epoch",
    ),
    _metric(
        "robust_best_final_difference",
        "robust_test_accuracy_at_best_val minus robust_test_accuracy",
        better="lower",
    ),
    _metric(FGSM, "accuracy of the final weights on the test split under one step"),
    _metric(AUTOATTACK, "accuracy of the final weights on the test split under AutoAttack"),
)


@PROBES.register(
    "robust",
    summary="accuracy under projected gradient descent, and under FGSM and AutoAttack on request",
    options=RobustOptions,
    metrics=_METRICS,
    needs_pixels=True,
    storages=("masked", "csr"),
)
class Robust(Probe):
    """Robust accuracy of validation and test split on schedule, of the training split at the end.

    The network is in evaluation mode and a copy, so that neither parameters nor running statistics
    take part. Random starts are named by cell seed and epoch: measured again, it is the same
    number. Epochs are chosen by the validation split; the test split is only reported.
    """

    options: RobustOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """At every so many epochs, and at the end."""
        return every_so_many(self.options.every, epoch, epochs)

    def refuse_unfit(self, conditions: Conditions) -> None:
        """Refuse an attack that cannot be made on the cell."""
        self.attack_beside(conditions.attack)
        if self.options.autoattack and conditions.classes < LEAST_CLASSES:
            raise ValueError(
                f"autoattack needs {LEAST_CLASSES} classes; dataset"
                f" {conditions.cell.dataset.name} has {conditions.classes}"
            )

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Accuracies under attack, by the names of the metrics."""
        attack, bundle = self.attack_beside(subject.attack), subject.bundle
        found = {
            VAL: self._under_descent(subject, bundle.val, "val", attack),
            TEST: self._under_descent(subject, bundle.test, "test", attack),
        }
        if self.options.fgsm:
            one_step = _descent(subject, attack.single)
            found[FGSM] = self._accuracy(subject, bundle.test, "test", one_step)
        if subject.final:
            found[TRAIN] = self._under_descent(subject, bundle.train, "train", attack)
            if self.options.autoattack:
                ensemble = _ensemble(subject, attack)
                found[AUTOATTACK] = self._accuracy(subject, bundle.test, "test", ensemble)
        return found

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The last point, and what the epoch that was best on validation came to."""
        last = points[-1][1]
        epoch, best = max(points, key=lambda point: (point[1][VAL], -point[0]))
        return {
            **last,
            "robust_generalisation_gap": last[TRAIN] - last[TEST],
            "best_robust_val_accuracy": best[VAL],
            "best_robust_val_epoch": float(epoch),
            "robust_test_accuracy_at_best_val": best[TEST],
            "robust_best_final_difference": best[TEST] - last[TEST],
        }

    def attack_beside(self, trained: Attack | None) -> Attack:
        """The attack to make: what the options leave open is that of the cell's training.

        Raises:
            ValueError: for sizes that the norm of the training has no room for.
        """
        given = self.options
        norm = given.norm or (trained.norm if trained else "linf")
        epsilon, step_size = given.epsilon, given.step_size
        if trained is not None and norm == trained.norm:
            epsilon = trained.epsilon if epsilon is None else epsilon
            if step_size is None and epsilon == trained.epsilon:
                step_size = trained.step_size
        return make_attack(norm, given.steps, epsilon, step_size)

    def _under_descent(self, subject: Subject, split: Split, name: str, attack: Attack) -> float:
        if not self.options.random_start:
            return self._accuracy(subject, split, name, _descent(subject, attack))
        starts = subject.generator(f"robust.{name}", subject.epoch)
        return self._accuracy(subject, split, name, _descent(subject, attack, starts))

    def _accuracy(self, subject: Subject, split: Split, name: str, change: Change) -> float:
        return subject.accuracy(_some(split, name, self.options.examples), change, at_once=CHUNK)


def _some(split: Split, name: str, count: int | None) -> Split:
    # Files may be sorted by class, so that a prefix would hold a few classes only; and cells of all
    # seeds are to be compared on the same images.
    if count is None or count >= len(split):
        return split
    draws = seeding.generator(0, f"probe.robust.{name}.examples")
    chosen = torch.randperm(len(split), generator=draws)[:count].sort().values
    return split.take(chosen.to(split.targets.device))


def _descent(subject: Subject, attack: Attack, starts: torch.Generator | None = None) -> Change:
    def change(inputs: Tensor, targets: Tensor) -> Tensor:
        pixels, draws = as_pixels(inputs), None
        if starts is not None:
            draws = torch.rand(pixels.shape, generator=starts).to(pixels.device)
        return perturb(
            pixels,
            lambda points: subject.input_gradients(points, targets),
            attack,
            rank=pixels.ndim - 1,
            draws=draws,
        )

    return change


def _ensemble(subject: Subject, attack: Attack) -> Change:
    seed = seeding.named_seed(subject.cell.seed, "probe.autoattack", subject.epoch)

    def change(inputs: Tensor, targets: Tensor) -> Tensor:
        return autoattack(
            subject.module(),
            as_pixels(inputs),
            targets,
            norm=attack.norm,
            epsilon=attack.epsilon,
            classes=subject.bundle.classes,
            seed=seed,
        )

    return change
