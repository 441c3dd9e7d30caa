"""Pairs of masks in artifacts: agreement by literal masks, and masks that do not fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch

from trainer.artifacts import ArtifactError, Snapshot, to_bytes
from trainer.mask_pairs import agreements


def artifact(path: Path, masks: Mapping[str, Sequence[int]]) -> Path:
    tensors = {name: torch.tensor(mask, dtype=torch.bool) for name, mask in masks.items()}
    path.write_bytes(to_bytes(Snapshot(weights={}, masks=tensors)))
    return path


def test_pairs_agree_as_their_counts_over_all_layers_say(tmp_path: Path) -> None:
    paths = [
        artifact(tmp_path / "a", {"x": [1, 1, 0, 0], "y": [1, 1, 1, 0, 0, 0, 0, 0, 0]}),
        artifact(tmp_path / "b", {"x": [1, 0, 1, 0], "y": [1, 1, 0, 0, 0, 0, 0, 0, 0]}),
    ]
    found = agreements(paths, [(0, 1), (1, 0), (0, 0)])
    # 3 of 5 and of 4 weights are in both, 6 in either; by chance 1 in x, 3 * 2 / 9 in y.
    kappa = (3 - 5 / 3) / (4.5 - 5 / 3)
    assert found[0] == {"kappa": pytest.approx(kappa), "jaccard": 0.5, "overlap": 0.6}
    assert found[1] == {"kappa": pytest.approx(kappa), "jaccard": 0.5, "overlap": 0.75}
    assert found[2] == {"kappa": 1.0, "jaccard": 1.0, "overlap": 1.0}


def test_full_masks_have_no_agreement_beyond_chance(tmp_path: Path) -> None:
    path = artifact(tmp_path / "a", {"x": [1, 1, 1]})
    assert agreements([path, path], [(0, 1)]) == [{"kappa": None, "jaccard": 1.0, "overlap": 1.0}]


def test_masks_of_other_layers_are_not_compared(tmp_path: Path) -> None:
    paths = [artifact(tmp_path / "a", {"x": [1, 0]}), artifact(tmp_path / "b", {"x": [1, 0, 1]})]
    with pytest.raises(ArtifactError, match="have masks of other layers"):
        agreements(paths, [(0, 1)])
