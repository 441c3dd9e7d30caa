"""One multilayer perceptron three times: truly sparse, masked dense, and SET in SciPy.

All begin with the same active weights, zero biases and zero momentum, and see the same batch.
Importing this loads torch; call `harness.set_exact_environment` first.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from scipy import sparse as scipy_sparse
from torch import Tensor, nn
from torch.nn import functional as F

from peers.scipy_set import ScipySet
from sparse.allocation import target_count
from sparse.csr.mlp import SparseMLP

RATE, MOMENTUM, DECAY = 0.01, 0.9, 2e-4
"""SGD as the published runs of SET have it (Mocanu et al. 2018)."""

Batch = tuple[Tensor, Tensor]


class OurArm:
    """The truly sparse network in a loop of one's own."""

    def __init__(self, net: SparseMLP, rate: float = RATE) -> None:
        self.net = net
        self.optimizer = sgd(net, rate)

    def step(self, batch: Batch) -> Tensor:
        """Train on a batch; its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.net(batch[0]), batch[1])
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class MaskedArm:
    """The same network as dense float32 tensors, its gradients masked as `solo` does it."""

    def __init__(self, ours: OurArm) -> None:
        self.masks: list[Tensor] = []
        self.linears: list[nn.Linear] = []
        for layer in ours.net.layers:
            linear = nn.Linear(layer.in_features, layer.out_features)
            linear.load_state_dict({"weight": layer.to_dense(), "bias": layer.bias})
            mask = torch.zeros(linear.weight.numel()).index_fill_(0, layer.positions(), 1.0)
            self.masks.append(mask.view_as(linear.weight))
            self.linears.append(linear)
        between = [part for linear in self.linears for part in (linear, nn.ReLU())]
        self.net = nn.Sequential(*between[:-1])
        self.optimizer = sgd(self.net)

    def step(self, batch: Batch) -> Tensor:
        """Train on a batch; its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.net(batch[0]), batch[1])
        loss.backward()
        gradients = [linear.weight.grad for linear in self.linears]
        torch._foreach_mul_([each for each in gradients if each is not None], self.masks)
        self.optimizer.step()
        return loss.detach()


def sparse_mlp(widths: Sequence[int], density: str, generator: torch.Generator) -> SparseMLP:
    """A network all of whose layers have the same density."""
    counts = [target_count(density, i * o) for i, o in pairwise(widths)]
    return SparseMLP.random(widths, counts, generator, fan_in="active")


def scipy_arm(ours: OurArm) -> ScipySet:
    """The same network by the published algorithm."""
    weights = [scipy_matrix(layer.to_dense()) for layer in ours.net.layers]
    return ScipySet(weights, rate=RATE, momentum=MOMENTUM, decay=DECAY)


def scipy_matrix(dense: Tensor) -> scipy_sparse.csr_matrix:
    """A weight (outputs, inputs) as SciPy's CSR matrix (inputs, outputs)."""
    return scipy_sparse.csr_matrix(dense.t().numpy())


def sgd(net: nn.Module, rate: float = RATE) -> torch.optim.Optimizer:
    """The optimizer of both torch arms."""
    return torch.optim.SGD(
        net.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=DECAY, fused=True
    )


def made_batch(inputs: int, classes: int, size: int, generator: torch.Generator) -> Batch:
    """Normal inputs and random labels."""
    x = torch.randn(size, inputs, generator=generator)
    return x, torch.randint(classes, (size,), generator=generator)


def as_numpy(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """A batch for the SciPy arm."""
    return batch[0].numpy(), batch[1].numpy()
