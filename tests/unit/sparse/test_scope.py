"""Ranking over all layers together, or within each: one choice for all methods that have it."""

import pytest
import torch

from sparse.methods import METHODS
from sparse.scope import IGNORES_ALLOCATION, active_only, ignored_by, kept

SCORES = {"a": torch.tensor([5.0, 4.0, 3.0]), "b": torch.tensor([[1.0, 2.0]])}


def chosen(scope, target=0, counts=None):
    masks = kept(SCORES, scope, target, counts or {})
    return {name: mask.int().tolist() for name, mask in masks.items()}


def test_over_all_layers_together_the_target_counts_and_no_layer_is_cut_off():
    assert chosen("global", target=4) == {"a": [1, 1, 1], "b": [[0, 1]]}
    assert chosen("global", target=3) == {"a": [1, 1, 0], "b": [[0, 1]]}


def test_within_layers_their_counts_decide():
    assert chosen("layer", counts={"a": 1, "b": 2}) == {"a": [1, 0, 0], "b": [[1, 1]]}


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_a_layer_that_cannot_be_ranked_is_named(scope):
    scores = {**SCORES, "b": torch.tensor([[1.0, float("nan")]])}
    with pytest.raises(ValueError, match="NaN in b: "):
        kept(scores, scope, 3, {"a": 1, "b": 1})


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.bfloat16])
def test_inactive_weights_rank_below_all_others(dtype):
    scores = torch.tensor([[0.0, 2.0], [3.0, 0.5]], dtype=torch.float64)
    mask = torch.tensor([[1, 0], [1, 0]]).to(dtype)
    ranked = active_only(scores, mask)
    assert (ranked.dtype, ranked.tolist()) == (torch.float64, [[0.0, -1.0], [3.0, -1.0]])


def test_the_allocation_has_no_say_in_a_global_ranking_only():
    assert ignored_by("global") == ("allocation",)
    assert ignored_by("layer") == ()


def test_all_methods_with_the_option_share_it_and_its_rule():
    found = {
        entry["name"]: (option, entry["traits"]["ignores"])
        for entry in METHODS.describe()
        for option in entry["options"]
        if option["name"] == "scope"
    }
    assert {"acdc", "gmp", "imp", "lth", "magnitude", "omp"} <= set(found)
    assert all(each == (found["gmp"][0], [IGNORES_ALLOCATION]) for each in found.values())
