"""How hard an example is to a network: scores of examples, of which the higher is the harder.

Each is that of one network; several networks are averaged after they were scored. Networks are in
evaluation mode and examples as they are, without augmentation, so that a score is a fact about an
example and not about a draw.
"""

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

logger = logging.getLogger(__name__)

GRADIENT_ELEMENTS = 2**26
"""Numbers that the gradients of the examples of one chunk may take together: 256 MiB."""

MAX_CHUNK = 256
"""Most examples whose gradients are taken together."""

Parameters = dict[str, Tensor]


def el2n(logits: Tensor, targets: Tensor) -> Tensor:
    """The error L2 norm of every example: ``||softmax(f(x)) - onehot(y)||_2``, in [0, sqrt(2)].

    The norm, not its square: over several networks the mean of squares ranks otherwise. Paul et
    al. 2021, definition of EL2N.

    Args:
        logits: (n, classes) outputs of any number of classes.
        targets: (n,) class numbers.

    Returns:
        (n,) float64.
    """
    errors = torch.softmax(logits.double(), 1)
    errors -= F.one_hot(targets, logits.shape[1])
    return torch.linalg.vector_norm(errors, dim=1)


def margin(logits: Tensor, targets: Tensor) -> Tensor:
    """The largest logit of another class minus that of the true one; above 0 the example is wrong.

    Args:
        logits: (n, classes), at least two classes. targets: (n,) class numbers.

    Returns:
        (n,) float64.
    """
    values, labels = logits.double(), targets.unsqueeze(1)
    true = values.gather(1, labels).squeeze(1)
    return values.scatter(1, labels, -torch.inf).amax(1) - true


def grand(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The norm of the gradient of every example's cross-entropy, over all parameters (GraNd).

    Without label smoothing and weight decay. It costs about three forward passes of an example, and
    memory for its gradients: examples are taken in chunks, or one by one where a module cannot be
    vectorised. Paul et al. 2021, definition of GraNd.

    Args:
        module: in evaluation mode; its parameters are left as they are.
        inputs: (n, *input_shape). targets: (n,) class numbers.

    Returns:
        (n,) float64.
    """
    parameters = {name: value.detach() for name, value in module.named_parameters()}
    buffers = {name: value.detach() for name, value in module.named_buffers()}

    def loss(parameters: Parameters, example: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(module, {**parameters, **buffers}, (example.unsqueeze(0),))
        return F.cross_entropy(logits.float(), label.unsqueeze(0))

    of_one = grad(loss)
    try:
        return _in_chunks(vmap(of_one, in_dims=(None, 0, 0)), parameters, inputs, targets)
    except (RuntimeError, NotImplementedError, ValueError) as error:
        logger.warning("gradients are taken one by one, which is slow: %s", error)
        return _one_by_one(of_one, parameters, inputs, targets)


def mean_score(scores: list[Tensor]) -> Tensor:
    """The mean of the scores (n,) that several networks give the same examples, float64."""
    return torch.stack([one.double() for one in scores]).mean(0)


class ForgettingCounter:
    """Counts how often each example was classified right at one visit and wrong at the next.

    Toneva et al. 2019, section 3. An example that was never classified right counts once more than
    any other.

    Args:
        examples: size of the training split. device: where the batches are.
    """

    def __init__(self, examples: int, device: str) -> None:
        self._right = torch.zeros(examples, dtype=torch.bool, device=device)
        self._learned = torch.zeros_like(self._right)
        self._events = torch.zeros(examples, dtype=torch.int64, device=device)

    def add(self, positions: Tensor, hits: Tensor) -> None:
        """Note a batch: distinct positions (b,) in the split, and whether each was right (b,)."""
        self._events[positions] += self._right[positions] & ~hits
        self._learned[positions] |= hits
        self._right[positions] = hits

    def scores(self) -> Tensor:
        """The events of every example (n,), float64."""
        most = self._events.max() + 1
        return torch.where(self._learned, self._events, most).double()

    def state(self) -> dict[str, Tensor]:
        """Copies on the CPU of what it has counted."""
        kept = {"right": self._right, "learned": self._learned, "events": self._events}
        return {name: value.to("cpu", copy=True) for name, value in kept.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Put back what ``state`` returned."""
        self._right.copy_(state["right"])
        self._learned.copy_(state["learned"])
        self._events.copy_(state["events"])


def _in_chunks(
    gradients: Callable[..., Parameters], parameters: Parameters, inputs: Tensor, targets: Tensor
) -> Tensor:
    count = sum(value.numel() for value in parameters.values())
    size = max(1, min(MAX_CHUNK, GRADIENT_ELEMENTS // count))
    norms = [
        _norms(gradients(parameters, examples, labels))
        for examples, labels in zip(inputs.split(size), targets.split(size), strict=True)
    ]
    return torch.cat(norms)


def _one_by_one(
    gradient: Callable[..., Parameters], parameters: Parameters, inputs: Tensor, targets: Tensor
) -> Tensor:
    norms = []
    for example, label in zip(inputs, targets, strict=True):
        found = gradient(parameters, example, label)
        norms.append(_norms({name: value.unsqueeze(0) for name, value in found.items()}))
    return torch.cat(norms)


def _norms(gradients: Parameters) -> Tensor:
    """The joint norm (b,) of gradients (b, *shape)."""
    flat = [value.double().reshape(len(value), -1) for value in gradients.values()]
    return torch.stack([value.square().sum(1) for value in flat]).sum(0).sqrt()
