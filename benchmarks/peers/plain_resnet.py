"""A CIFAR ResNet-18 trained as research scripts do: workers, PIL transforms, `.item()`, float32.

The masks of a static sparse network are multiplied into the weights after every step, layer by
layer.
"""

import os
from collections.abc import Iterator

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
WORKERS = min(8, os.cpu_count() or 1)


class ImageList(Dataset[tuple[Tensor, int]]):
    """Images that are opened and transformed one by one: bytes (n, h, w, 3) and labels (n,)."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self._images = images.numpy()
        self._labels = labels.tolist()
        self._transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, DEVIATION),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._images[index])), self._labels[index]


class PlainScript:
    """The training loop of such a script, step by step.

    Args:
        model: the network, standardised inputs to logits.
        images, labels: the training set, bytes (n, h, w, 3) and (n,).
        batch: images per step.
        density: kept share of every convolution and linear layer, at random.
        device: where it trains.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        batch: int,
        density: float,
        device: str,
    ) -> None:
        self._model = model.to(device)
        self._device = device
        self._loader = DataLoader(
            ImageList(images, labels), batch, shuffle=True, num_workers=WORKERS,
            persistent_workers=True, pin_memory=device != "cpu",
        )  # fmt: skip
        self._optimizer = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
        self._masks = {
            name: (torch.rand_like(weight) < density).float()
            for name, weight in model.named_parameters()
            if weight.dim() > 1
        }
        self._batches = self._endless()
        self.loss, self.correct, self.seen = 0.0, 0, 0

    def step(self) -> None:
        """One optimizer step."""
        inputs, targets = (part.to(self._device) for part in next(self._batches))
        self._model.train()
        self._optimizer.zero_grad()
        outputs = self._model(inputs)
        loss = functional.cross_entropy(outputs, targets)
        loss.backward()
        self._optimizer.step()
        for name, weight in self._model.named_parameters():
            if name in self._masks:
                weight.data = weight.data * self._masks[name]
        self.loss += loss.item()
        self.correct += outputs.argmax(1).eq(targets).sum().item()
        self.seen += len(targets)

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self._loader
