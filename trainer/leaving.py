"""What a cell leaves on its way for other cells: copies of its weights, and scores of examples."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grids.artifacts import SCORES, kind_of, moment_of
from grids.cell import Cell
from grids.storages import BY_EXAMPLES, CSR
from trainer import score_files
from trainer.artifacts import ArtifactError, Snapshot, due_steps, to_bytes
from trainer.engines.base import Engine
from trainer.evaluate import chunks
from trainer.network import in_contiguous_layout
from trainer.score_files import Scores
from trainer.scores import ForgettingCounter, el2n, grand, margin
from trainer.workload import Workload

FORGETTING = "forgetting"
"""The kind of score that is counted while a cell trains; the others look at one moment."""


class BlockScores:
    """Scores of the training split by the networks of a block as they are now.

    What the outputs tell is computed for all cells in one pass, and only when it is asked for.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of_logits: dict[Callable[[Tensor, Tensor], Tensor], Tensor] = {}

    def of(self, n: int, kind: str) -> Tensor:
        """The scores (examples,) of a kind by the network of cell ``n``, float64, on the CPU.

        Raises:
            KeyError: for a kind that does not look at one moment.
        """
        return _OF_A_MOMENT[kind](self, n).cpu()

    def by_logits(self, score: Callable[[Tensor, Tensor], Tensor], n: int) -> Tensor:
        """What a function makes of the outputs (b, classes) and targets (b,) of cell ``n``."""
        if score not in self._of_logits:
            self._of_logits[score] = self._pass(score)
        return self._of_logits[score][n]

    def by_network(self, score: Callable[[nn.Module, Tensor, Tensor], Tensor], n: int) -> Tensor:
        """What a function makes of the network of cell ``n`` and all inputs and targets."""
        train = self._engine.workload.bundle.train
        network = in_contiguous_layout(self._engine.module(n))
        return score(network, train.inputs, train.targets)

    @torch.no_grad()
    def _pass(self, score: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        found = []
        for inputs, targets in chunks(self._engine.workload.bundle.train):
            logits = self._engine.logits(inputs)
            found.append(torch.stack([score(own, targets) for own in logits]))
        return torch.cat(found, 1)


_OF_A_MOMENT: Mapping[str, Callable[[BlockScores, int], Tensor]] = {
    "el2n": lambda scores, n: scores.by_logits(el2n, n),
    "margin": lambda scores, n: scores.by_logits(margin, n),
    "grand": lambda scores, n: scores.by_network(grand, n),
}

SCORED = (*_OF_A_MOMENT, FORGETTING)
"""Every kind of score that is known here; a test holds it to :data:`grids.artifacts.SCORES`."""


class Leaving:
    """The artifacts of one cell until its training ends.

    Args:
        cell: who leaves them. names: what it shall leave.

    Attributes:
        due: the steps after which something is taken, with the names.
        counter: counts what the training forgets; ``None`` where nobody asks for it.
    """

    def __init__(self, cell: Cell, names: Collection[str] = ()) -> None:
        self.due: dict[int, tuple[str, ...]] = {}
        self.counter: ForgettingCounter | None = None
        self._cell = cell
        self._names = tuple(names)
        self._taken: dict[str, Snapshot | Scores] = {}

    def begin(self, workload: Workload, first_step: int) -> None:
        """Find the steps; ``ArtifactError`` for one that the run does not take.

        Another where truly sparse weights shall be scored by gradients of single examples.
        """
        by_examples = [name for name in self._names if kind_of(name) == BY_EXAMPLES]
        if by_examples and workload.recipe.storage == CSR:
            raise ArtifactError(
                f"it shall leave {by_examples[0]}, but gradients of single examples cannot be taken"
                " with recipe.storage csr"
            )
        self.due = due_steps(
            self._names,
            total_steps=workload.total_steps,
            steps_per_epoch=workload.steps_per_epoch,
            first_step=first_step,
        )
        self._ids = workload.bundle.train.ids
        if any(kind_of(name) == FORGETTING for name in self._names):
            self.counter = ForgettingCounter(len(self._ids), workload.device)

    def count(self, positions: Tensor, hits: Tensor) -> None:
        """Note which examples of a batch, by their positions, were classified right."""
        if self.counter is not None:
            self.counter.add(positions, hits)

    def take(
        self, step: int, snapshot: Callable[[], Snapshot], scores: Callable[[str], Tensor]
    ) -> None:
        """Keep what is due after a step.

        Args:
            step: the optimizer step.
            snapshot: copies the cell as it is now.
            scores: the scores (examples,) of a kind by its network as it is now.
        """
        for name in self.due[step]:
            kind = kind_of(name)
            if kind not in SCORES:
                self._taken[name] = snapshot()
                continue
            values = self._forgotten() if kind == FORGETTING else scores(kind)
            self._taken[name] = self._scores(name, values)

    def contents(self, snapshot: Callable[[], Snapshot]) -> dict[str, bytes]:
        """The files that the trained cell leaves, by name; ``snapshot`` copies its end."""
        return {name: _file(self._taken.get(name) or snapshot()) for name in self._names}

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "taken": {name: _plain(kept) for name, kept in self._taken.items()},
            "counter": None if self.counter is None else self.counter.state(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what ``state`` returned."""
        self._taken = {
            name: self._scores(name, kept["scores"]) if "scores" in kept else Snapshot(**kept)
            for name, kept in state["taken"].items()
        }
        if self.counter is not None:
            self.counter.load_state(state["counter"])

    def _forgotten(self) -> Tensor:
        assert self.counter is not None
        return self.counter.scores()

    def _scores(self, name: str, values: Tensor) -> Scores:
        return Scores(cell=self._cell.id, name=name, ids=self._ids, values=values.cpu())


def has_kept(state: Mapping[str, Any], names: Collection[str], steps_per_epoch: int) -> bool:
    """Whether a cell that goes on from a saved state can still leave all these artifacts."""
    leaving = state["run"]["leaving"]
    moments = {name: moment for name in names if (moment := moment_of(name)) is not None}
    past = {name for name, at in moments.items() if at.step(steps_per_epoch) <= state["step"]}
    counted = leaving["counter"] is not None or all(kind_of(name) != FORGETTING for name in names)
    return counted and past <= leaving["taken"].keys()


def _plain(kept: Snapshot | Scores) -> dict[str, Any]:
    if isinstance(kept, Scores):
        return {"scores": kept.values}
    return {"weights": dict(kept.weights), "masks": dict(kept.masks)}


def _file(kept: Snapshot | Scores) -> bytes:
    return score_files.to_bytes(kept) if isinstance(kept, Scores) else to_bytes(kept)
