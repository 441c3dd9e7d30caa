"""The probe ``zero_shot``: what a network recognises before its first step."""

from collections.abc import Mapping

from sparse.options import NoOptions
from trainer.evaluate import accuracy_of
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.probes.subject import Subject
from trainer.recalibrate import recalibrated
from trainer.recipe import Recipe

_HELP = "accuracy on the test split before the first step"


@PROBES.register(
    "zero_shot",
    summary="test accuracy before any training, as it is and with batch norm recalibrated",
    options=NoOptions,
    metrics=[
        {
            "name": "zero_shot_accuracy",
            "unit": "fraction",
            "better": "higher",
            "help": _HELP,
        },
        {
            "name": "zero_shot_accuracy_recalibrated",
            "unit": "fraction",
            "better": "higher",
            "help": f"{_HELP}, statistics of batch norm taken over the training split",
        },
    ],
    storages=("masked", "csr"),
)
class ZeroShot(Probe):
    """What masks and first weights are worth untrained.

    The network is the one that the first step finds: masks are set, weights are those to begin
    with. Running statistics of a network that was never trained are 0 and 1, and hide whatever the
    weights do, so it is measured with statistics of its own as well: of the training split in its
    order, without augmentation, in batches of the recipe's size. Without batch norm the two are
    one. Zhou et al. 2019 measure masks so ("supermasks"); the recalibration is ours.
    """

    def due(self, epoch: int, epochs: int) -> bool:
        """At no epoch's end."""
        return False

    def due_at_start(self) -> bool:
        """Before the first step."""
        return True

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Both accuracies."""
        test, batch = subject.split("test"), Recipe.of(subject.cell).batch
        network = subject.module()
        own = recalibrated(network, subject.split("train").inputs, batch)
        plain = subject.accuracy(test)
        return {
            "zero_shot_accuracy": plain,
            "zero_shot_accuracy_recalibrated": plain if own is network else accuracy_of(own, test),
        }
