"""SET in SciPy as the published releases do it, written plainly: the peer of the sparse layers.

What they have in common (Mocanu et al. 2018 and the releases that followed): weights and momentum
as scipy.sparse CSR matrices (inputs, outputs), activations batch-major, one product per layer and
direction, the weight gradient at the support only by a loop over the active weights, momentum and
decay by sums of sparse matrices, and after every epoch the topology update by sorted values, pairs
of rows and columns, and sets of pairs. ReLU, softmax with cross-entropy. One precision throughout.

The loop over the active weights is compiled by numba where it is installed, as the fastest release
does; else numpy does it in blocks.
"""

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse as scipy_sparse

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Gradient = Callable[[Floats, Floats, Ints, Ints, Floats], None]

BLOCK = 4096


class ScipySet:
    """A network of sparse layers with its optimizer, its step, and its topology update.

    weights: one CSR matrix (inputs, outputs) per layer; they are updated out of place.
    """

    def __init__(
        self,
        weights: Sequence[scipy_sparse.csr_matrix],
        *,
        rate: float,
        momentum: float,
        decay: float,
    ) -> None:
        self.weights = [weight.copy() for weight in weights]
        self.speeds = [weight * np.float32(0) for weight in weights]
        self.biases = [np.zeros(weight.shape[1], np.float32) for weight in weights]
        self.bias_speeds = [np.zeros_like(bias) for bias in self.biases]
        self.rate, self.momentum, self.decay = map(np.float32, (rate, momentum, decay))
        self.gradient = compiled_gradient()

    def forward(self, x: Floats) -> list[Floats]:
        """The inputs of every layer (batch, units), then the logits."""
        activations = [x]
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = activations[-1] @ weight + bias
            activations.append(np.maximum(z, 0) if number + 1 < len(self.weights) else z)
        return activations

    def step(self, x: Floats, labels: NDArray[np.int64]) -> float:
        """One step on a batch (batch, inputs); its loss."""
        activations = self.forward(x)
        loss, delta = cross_entropy(activations[-1], labels)
        for number in reversed(range(len(self.weights))):
            weight, below = self.weights[number], activations[number]
            gradient = self._at_support(weight, below, delta)
            bias_gradient = delta.sum(0)
            if number:
                delta = (delta @ weight.T) * (below > 0)
            self._update(number, gradient, bias_gradient)
        return loss

    def evolve(self, number: int, fraction: float, draws: np.random.Generator) -> None:
        """The topology update of one layer."""
        self.weights[number], self.speeds[number] = evolved(
            self.weights[number], self.speeds[number], fraction, draws
        )

    def _at_support(
        self, weight: scipy_sparse.csr_matrix, below: Floats, delta: Floats
    ) -> scipy_sparse.csr_matrix:
        places = weight.tocoo()
        entries = np.empty(weight.nnz, weight.dtype)
        self.gradient(below, delta, places.row, places.col, entries)
        made = scipy_sparse.coo_matrix((entries, (places.row, places.col)), shape=weight.shape)
        return made.tocsr()

    def _update(
        self, number: int, gradient: scipy_sparse.csr_matrix, bias_gradient: Floats
    ) -> None:
        weight = self.weights[number]
        speed = self.momentum * self.speeds[number] - self.rate * gradient
        self.speeds[number] = speed
        self.weights[number] = weight + speed - self.decay * weight
        bias_speed = self.momentum * self.bias_speeds[number] - self.rate * bias_gradient
        self.bias_speeds[number] = bias_speed
        self.biases[number] = self.biases[number] * (1 - self.decay) + bias_speed


def cross_entropy(logits: Floats, labels: NDArray[np.int64]) -> tuple[float, Floats]:
    """The mean cross-entropy of a batch, and its gradient by the logits."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    chances = shifted / shifted.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(chances[rows, labels]).mean())
    chances[rows, labels] -= 1
    return loss, chances / np.float32(len(labels))


def evolved(
    weight: scipy_sparse.csr_matrix,
    speed: scipy_sparse.csr_matrix,
    fraction: float,
    draws: np.random.Generator,
) -> tuple[scipy_sparse.csr_matrix, scipy_sparse.csr_matrix]:
    """Weights and momentum after a topology update: signed thresholds, pairs by sets of pairs."""
    places = weight.tocoo()
    low, high = thresholds(places.data, fraction)
    stays = (places.data < low) | (places.data > high)
    pairs = np.stack((places.row[stays], places.col[stays]), axis=-1)
    old = speed.tocoo()
    carried = contained(np.stack((old.row, old.col), axis=-1), pairs)
    moved = scipy_sparse.csr_matrix(
        (old.data[carried], (old.row[carried], old.col[carried])), shape=weight.shape
    )
    values = places.data[stays]
    while len(values) < weight.nnz:
        missing = weight.nnz - len(values)
        drawn = [draws.integers(0, side, size=missing, dtype=np.int32) for side in weight.shape]
        new = np.unique(np.stack(drawn, axis=-1), axis=0)
        new = new[~contained(new, pairs)]
        pairs = np.concatenate((pairs, new))
        fresh = draws.standard_normal(len(new)).astype(np.float32) / 10
        values = np.concatenate((values, fresh))
    made = scipy_sparse.csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=weight.shape)
    return made, moved


def thresholds(values: Floats, fraction: float) -> tuple[float, float]:
    """The values that a weight must lie below, or above, to stay."""
    ranked = np.sort(values)
    first = int(np.abs(ranked).argmin())
    after = len(ranked) - int(np.abs(ranked[::-1]).argmin())
    low = ranked[int((1 - fraction) * first)]
    high = ranked[int(min(len(ranked) - 1, after + fraction * (len(ranked) - after)))]
    return low, high


def contained(pairs: Ints, among: Ints) -> NDArray[np.bool_]:
    """Which pairs (n, 2) are among others, compared as records of two numbers."""
    record = np.dtype([("row", np.int32), ("column", np.int32)])
    inner, outer = (
        np.ascontiguousarray(each, np.int32).view(record).ravel() for each in (pairs, among)
    )
    return np.isin(inner, outer)


def compiled_gradient() -> Gradient:
    """The gradient of every active weight: the sum over the batch of input times delta."""
    if gradient_loop() == "numpy":
        return gradient_in_blocks
    from numba import njit

    made: Gradient = njit(gradient_one_by_one)
    return made


def gradient_loop() -> str:
    """What runs the loop over the active weights here: "numba" or "numpy"."""
    return "numpy" if importlib.util.find_spec("numba") is None else "numba"


def gradient_one_by_one(
    below: Floats, delta: Floats, rows: Ints, columns: Ints, entries: Floats
) -> None:
    """Fill `entries`, weight after weight, as the compiled releases do."""
    for n in range(len(rows)):
        total = np.float32(0)
        for example in range(below.shape[0]):
            total += below[example, rows[n]] * delta[example, columns[n]]
        entries[n] = total


def gradient_in_blocks(
    below: Floats, delta: Floats, rows: Ints, columns: Ints, entries: Floats
) -> None:
    """Fill `entries` by numpy, a block of weights at a time."""
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        products = below[:, rows[part]] * delta[:, columns[part]]
        entries[part] = products.sum(0)
