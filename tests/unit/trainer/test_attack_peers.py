"""Attacks against torchattacks: ours come to the same, and its ensemble runs as it should."""

import warnings

import pytest
import torch
from torch import nn

from trainer.attacks import Attack, make_attack, perturb
from trainer.autoattack import autoattack
from trainer.seeding import generator, kept_globals

CLASSES = 6


class Convnet(nn.Module):
    """Two convolutions; pixels are standardised inside."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU()
        )
        self.head = nn.Linear(4 * 4 * 4, CLASSES)

    def forward(self, pixels):
        return self.head(self.features((pixels - 0.45) / 0.25).flatten(1))


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Convnet().eval().requires_grad_(False)


@pytest.fixture
def images():
    draws = torch.Generator().manual_seed(4)
    return torch.rand(12, 3, 8, 8, generator=draws)


def labels_of(network, images):
    return network(images).argmax(1)


def gradient_of(network, labels):
    def gradient(points):
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            loss = nn.functional.cross_entropy(network(points), labels, reduction="sum")
            return torch.autograd.grad(loss, points)[0]

    return gradient


@pytest.mark.parametrize(("epsilon", "step", "steps"), [(8, 2, 10), (8, 2, 20), (16, 5, 3)])
def test_descent_in_linf_comes_to_the_examples_of_torchattacks(
    network, images, epsilon, step, steps
):
    import torchattacks

    labels = labels_of(network, images)
    peer = torchattacks.PGD(
        network, eps=epsilon / 255, alpha=step / 255, steps=steps, random_start=False
    )
    attack = make_attack("linf", steps, epsilon / 255, step / 255)
    found = perturb(images, gradient_of(network, labels), attack, rank=3)
    torch.testing.assert_close(found, peer(images, labels), rtol=0, atol=1e-6)
    assert int((labels_of(network, found) != labels).sum()) > 0


def test_descent_in_l2_comes_to_the_examples_of_torchattacks_where_the_box_is_far(network, images):
    """It projects on the ball before it cuts to the box; within the box there is no difference."""
    import torchattacks

    images = 0.3 + 0.4 * images
    labels = labels_of(network, images)
    peer = torchattacks.PGDL2(network, eps=0.3, alpha=0.1, steps=7, random_start=False)
    attack = make_attack("l2", 7, 0.3, 0.1)
    found = perturb(images, gradient_of(network, labels), attack, rank=3)
    torch.testing.assert_close(found, peer(images, labels), rtol=0, atol=1e-5)


def test_one_step_to_the_border_is_that_of_torchattacks(network, images):
    import torchattacks

    labels = labels_of(network, images)
    single = make_attack("linf", 20).single
    assert single == Attack(norm="linf", epsilon=8 / 255, step_size=8 / 255, steps=1)
    found = perturb(images, gradient_of(network, labels), single, rank=3)
    expected = torchattacks.FGSM(network, eps=8 / 255)(images, labels)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def ensemble(network, images, labels, norm="linf", epsilon=4 / 255, seed=1, **given):
    given = {"classes": CLASSES, "iterations": 4, "queries": 12, **given}
    return autoattack(network, images, labels, norm=norm, epsilon=epsilon, seed=seed, **given)


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 4 / 255), ("l2", 0.2)])
def test_the_ensemble_stays_in_the_ball_and_the_box_and_repeats_itself(
    network, images, norm, epsilon, capsys
):
    labels = labels_of(network, images)
    state = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ensemble(network, images, labels, norm, epsilon)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    assert torch.equal(ensemble(network, images, labels, norm, epsilon), found)
    changes = (found - images).double().flatten(1)
    sizes = changes.abs().amax(1) if norm == "linf" else changes.norm(dim=1)
    assert float(sizes.max()) <= epsilon * (1 + 1e-5)
    assert 0.0 <= float(found.min()) <= float(found.max()) <= 1.0
    assert not found.requires_grad
    assert capsys.readouterr().out == ""
    held = labels_of(network, found) == labels
    assert 0 < int(held.sum()) < len(labels)
    assert torch.equal(found[held], images[held])


def test_the_ensemble_takes_as_many_iterations_as_the_published_one(network, images, monkeypatch):
    """The library's own bundle gives up after 10."""
    import torchattacks

    taken = {}

    def remembered(kind, number):
        def forward(self, inputs, labels):
            taken[kind.__name__] = (getattr(self, number), getattr(self, "n_target_classes", None))
            return inputs

        monkeypatch.setattr(kind, "forward", forward)

    for kind in (torchattacks.APGD, torchattacks.APGDT, torchattacks.FAB):
        remembered(kind, "steps")
    remembered(torchattacks.Square, "n_queries")
    autoattack(
        network, images, labels_of(network, images), norm="linf", epsilon=0.1, classes=100, seed=0
    )
    expected = {"APGD": (100, None), "APGDT": (100, 9), "FAB": (100, 9), "Square": (5000, None)}
    assert taken == expected


class Unordered(Convnet):
    """Uses a kernel without a fixed order, as cumulative sums on CUDA are."""

    def forward(self, pixels):
        place = torch.zeros(1, dtype=torch.int64)
        return super().forward(pixels) + torch.zeros(1).put_(place, torch.zeros(1))


def test_the_ensemble_runs_where_only_kernels_of_a_fixed_order_may(images):
    network = Unordered().eval().requires_grad_(False)
    labels = labels_of(network, images)
    with kept_globals():
        torch.set_deterministic_debug_mode("error")
        with pytest.raises(RuntimeError, match="deterministic"):
            network(images)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = ensemble(network, images, labels)
        assert torch.get_deterministic_debug_mode() == 2
    assert found.shape == images.shape


@pytest.mark.gpu
def test_attacks_run_on_cuda_without_waiting_and_the_ensemble_in_the_exact_tier(network, images):
    network, images = network.cuda(), images.cuda()
    labels = labels_of(network, images)
    draws = torch.rand(images.shape, device="cuda", generator=generator(1, "start", 3, "cuda"))
    gradient = gradient_of(network, labels)
    for norm in ("linf", "l2"):
        perturb(images, gradient, make_attack(norm, 1), rank=3, draws=draws)  # warm
        torch.cuda.set_sync_debug_mode("error")
        try:
            perturb(images, gradient, make_attack(norm, 5), rank=3, draws=draws)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    with kept_globals():
        torch.set_deterministic_debug_mode("error")
        assert ensemble(network, images, labels).shape == images.shape


def test_the_ensemble_needs_four_classes(network, images):
    with pytest.raises(ValueError, match="autoattack needs 4 classes; there are 3"):
        ensemble(network, images, labels_of(network, images), classes=3)
