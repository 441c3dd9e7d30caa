"""A topology update on a CUDA device: the masks of the CPU, and no transfer to the host.

It needs a device: on the CPU only the functions that it calls there are compared with the others.
"""

import pytest
import torch
from torch import nn

from sparse import RigL, attach


def attached(device):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(300, 200, bias=False), nn.Linear(200, 100, bias=False))
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, attach(model, optimizer, RigL(0.1, update_every=2), total_steps=20)


@pytest.mark.gpu
def test_an_update_does_not_wait_for_the_device_and_decides_what_the_cpu_does():
    found = []
    for device in ("cpu", "cuda"):
        model, handle = attached(device)
        draws = torch.Generator().manual_seed(1)
        for weight in model.parameters():
            weight.grad = torch.randn(weight.shape, generator=draws).to(device)
        torch.cuda.set_sync_debug_mode("error" if device == "cuda" else "default")
        try:
            handle.sparsifier.after_backward(2)
            handle.sparsifier.after_step(2)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        found.append([mask.cpu() for mask in handle.masks().values()])
    assert all(map(torch.equal, *found))
    assert sum(int(mask.sum()) for mask in found[1]) == 8000
