"""The probe ``signal``: how large what a network puts out is before its first step."""

from collections.abc import Mapping
from dataclasses import dataclass

from sparse.options import option
from trainer import seeding
from trainer.network import mode
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.probes.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalOptions:
    """The examples."""

    examples: int = option(1000, ge=2, help="training examples of the probe batch; all if fewer")


@PROBES.register(
    "signal",
    summary="standard deviation of the logits before the first step",
    options=SignalOptions,
    metrics=[
        {
            "name": "logit_std_init",
            "unit": "logits",
            "better": "higher",
            "help": "standard deviation of all logits of a fixed batch before the first step",
        },
    ],
    storages=["masked", "csr"],
)
class Signal(Probe):
    """The size of the signal at the start, on a fixed batch of training examples.

    Layers are in training mode, so that batch norm takes the statistics of the batch: its running
    ones say nothing yet. They stay as they are. A measure of this project: under equal
    distributions of weights it differs between the networks of a pair (method ``same_capacity``).
    """

    options: SignalOptions

    def due(self, epoch: int, epochs: int) -> bool:
        """After no epoch."""
        return False

    def due_at_start(self) -> bool:
        """Before the first step, and then no more."""
        return True

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """The standard deviation over examples and classes together."""
        inputs, targets = subject.examples(self.options.examples, "signal")
        network = subject.network()
        with mode(network, training=True, track=False):
            seeding.reseed_globals(subject.cell.seed, "probe.signal", 0, str(targets.device))
            logits = network(inputs)
        return {"logit_std_init": float(logits.detach().double().std())}
