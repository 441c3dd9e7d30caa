"""Running statistics of batch norm, taken anew: what belongs to weights that were changed by hand.

After weights are pruned, permuted or drawn anew, the statistics that training left are those of
another network, and its accuracy is mostly theirs.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def recalibrated(network: nn.Module, inputs: Tensor, batch: int) -> nn.Module:
    """A copy of a network with batch-norm statistics of these inputs; itself where it has none.

    The means and variances of all batches count alike. The inputs are taken in their order, as
    they are, in batches of equal size, to one example, of at least ``batch`` where there are so
    many. Batch norm alone is in training mode meanwhile, so nothing is drawn; every module is then
    in the mode in which it was given.

    Args:
        network: takes inputs to anything.
        inputs: (n, *input_shape), at least one; they may lie on another device.
        batch: examples, at least 1.
    """
    if not _tracking(network):
        return network
    changed = copy.deepcopy(network)
    modes = [(module, module.training) for module in changed.modules()]
    changed.eval()
    norms = _tracking(changed)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the average of all batches
        norm.train()
    for part in inputs.tensor_split(max(1, len(inputs) // batch)):
        changed(part.to(_device(norms[0])))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, training in modes:
        module.training = training
    return changed


def _tracking(network: nn.Module) -> list[_BatchNorm]:
    norms = (module for module in network.modules() if isinstance(module, _BatchNorm))
    return [norm for norm in norms if norm.running_mean is not None]


def _device(norm: _BatchNorm) -> torch.device:
    assert norm.running_mean is not None
    return norm.running_mean.device
