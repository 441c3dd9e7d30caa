"""The el2n scenario: from files of scores to the examples that are trained on."""

import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from grids.cell import Cell
from tests.support.cells import component, make_cell, train
from tests.support.producers import inputs_of
from trainer.data import DATASETS
from trainer.data.bundle import Splits
from trainer.data.cutting import cut
from trainer.loading import load_bundle, make_scenario
from trainer.score_files import ScoreError, Scores, read_scores, to_bytes
from trainer.sources import Sources
from trainer.workload import workload_key

TASK = {"examples": 200, "features": 13, "classes": 3, "noise": 1.5}


def el2n_cell(ratio="0.3", method="dense", density="1", seed=0, recipe=None, **options) -> Cell:
    cell = make_cell(
        method, density, seed, dataset_options=TASK, data_ratio=ratio, **(recipe or {})
    )
    return replace(cell, scenario=component("el2n", options))


class Folder:
    """Shared files in a folder that a test can look into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipes: list[dict] = []

    def file(self, recipe, make) -> Path:
        if recipe not in self.recipes:
            self.recipes.append(recipe)
            make(self.path / f"{self.recipes.index(recipe)}.json")
        return self.path / f"{self.recipes.index(recipe)}.json"


@pytest.fixture
def shared(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def kept_by(cell: Cell, shared: Folder, inputs=None) -> list[int]:
    given = inputs_of([cell])[cell.id] if inputs is None else inputs
    sources = Sources(dataset=cell.dataset, inputs=given, shared=shared)
    positions = make_scenario(cell).subset(splits(), cell.data_ratio, sources)
    return splits().train.ids[positions].tolist()


@functools.cache
def splits() -> Splits:
    entry = DATASETS.get("synthetic")
    return cut(entry.target(entry.options(**TASK), None))


def whole() -> dict[int, int]:
    """Every example of the training split, id to class."""
    own = splits().train
    return dict(zip(own.ids.tolist(), own.targets.tolist(), strict=True))


def mean_scores(cell: Cell) -> dict[int, float]:
    found = [read_scores(path) for path in inputs_of([cell])[cell.id].values()]
    mean = torch.stack([one.values for one in found]).mean(0)
    return dict(zip(found[0].ids.tolist(), mean.tolist(), strict=True))


@pytest.mark.parametrize("score", ["el2n", "grand", "margin", "forgetting"])
def test_hard_are_the_highest_and_easy_the_lowest_scores(score, shared):
    options = {"score": score, "models": 2, "score_epoch": 2}
    hard, easy = (el2n_cell(keep=keep, **options) for keep in ("hard", "easy"))
    scores = mean_scores(hard)
    assert set(scores) == set(whole())
    count = round(0.3 * len(scores))
    ranked = sorted(scores, key=lambda example: (-scores[example], example))
    assert kept_by(hard, shared) == sorted(ranked[:count])
    ranked = sorted(scores, key=lambda example: (scores[example], example))
    assert kept_by(easy, shared) == sorted(ranked[:count])


def test_a_random_subset_needs_no_scores_and_is_as_large(shared):
    hard, random = el2n_cell(keep="hard", score_epoch=1), el2n_cell(keep="random")
    assert inputs_of([random])[random.id] == {}
    kept = kept_by(random, shared)
    assert len(kept) == len(kept_by(hard, shared))
    clean = load_bundle(make_cell(dataset_options=TASK, data_ratio="0.3"), None, "cpu")
    assert kept != clean.train.ids.tolist()


@pytest.mark.parametrize("keep", ["hard", "random"])
def test_a_larger_share_holds_every_smaller_one(keep, shared):
    options = {"keep": keep, **({"score_epoch": 1} if keep == "hard" else {})}
    small, large = (set(kept_by(el2n_cell(ratio, **options), shared)) for ratio in ("0.3", "0.6"))
    assert small < large


@pytest.mark.parametrize("keep", ["hard", "random"])
def test_a_balanced_subset_has_equally_many_of_every_class(keep, shared):
    options = {"keep": keep, **({"score_epoch": 1} if keep == "hard" else {})}
    classes = whole()
    for balanced in (True, False):
        kept = kept_by(el2n_cell(balanced=balanced, **options), shared)
        counts = [[classes[one] for one in kept].count(label) for label in range(3)]
        assert (max(counts) - min(counts) <= 1) is balanced


def test_producers_score_all_examples_and_are_not_the_cell_s_own_seed():
    cell = el2n_cell(seed=7, models=2, first_seed=3, score_epoch=1)
    paths = inputs_of([cell])[cell.id]
    assert list(paths) == ["el2n@1e#3", "el2n@1e#4"]
    producers = [make_cell("dense", "1", seed, dataset_options=TASK) for seed in (3, 4)]
    assert [read_scores(path).cell for path in paths.values()] == [one.id for one in producers]


def test_every_seed_and_method_trains_on_one_subset(shared):
    methods = (("dense", "1"), ("static", "0.3"))
    cells = [
        el2n_cell(method=method, density=density, seed=seed, score_epoch=1)
        for method, density in methods
        for seed in (0, 1)
    ]
    assert len({tuple(kept_by(cell, shared)) for cell in cells}) == 1
    assert len(shared.recipes) == 1


def test_cells_of_another_rate_have_other_producers_and_share_no_data():
    """The learning rate may differ within a block of cells, but not where data follow from it."""
    slow, fast = (el2n_cell(score_epoch=1, recipe={"lr": lr}) for lr in (0.01, 0.1))
    assert inputs_of([slow])[slow.id].keys() == inputs_of([fast])[fast.id].keys()
    assert workload_key(slow) != workload_key(fast)
    assert workload_key(slow) == workload_key(replace(slow, seed=1))
    together = train(slow, fast)
    for cell in (slow, fast):
        assert together[cell.id].metrics == train(cell)[cell.id].metrics


def test_the_list_is_published_with_all_that_it_follows_from(shared):
    cell = el2n_cell(models=2, score_epoch=1)
    kept = kept_by(cell, shared)
    content = json.loads((shared.path / "0.json").read_text())
    scores = mean_scores(cell)
    assert sorted(content["ids"]) == kept
    assert content["ids"] == sorted(kept, key=lambda example: (-scores[example], example))
    assert content["options"] == {
        "keep": "hard", "score": "el2n", "models": 2, "first_seed": 0, "score_epoch": 1,
        "score_step": 0, "balanced": False,
    }  # fmt: skip
    assert (content["data_ratio"], content["part"]) == ("0.3", "train")
    producers = [make_cell("dense", "1", seed, dataset_options=TASK).id for seed in (0, 1)]
    assert [one["cell"] for one in content["scores"]] == producers


def test_a_list_is_made_anew_where_a_score_is_another(shared, tmp_path):
    cell = el2n_cell(score_epoch=1)
    before = kept_by(cell, shared)
    [(name, path)] = inputs_of([cell])[cell.id].items()
    turned = read_scores(path)
    other = tmp_path / "scores"
    other.write_bytes(to_bytes(replace(turned, values=-turned.values)))
    after = kept_by(cell, shared, {name: other})
    assert len(shared.recipes) == 2
    assert not set(before) & set(after)


def scores_of(cell: Cell, tmp_path: Path, **changed) -> dict[str, Path]:
    [(name, path)] = inputs_of([cell])[cell.id].items()
    content: Scores = replace(read_scores(path), **changed)
    (tmp_path / "scores").write_bytes(to_bytes(content))
    return {name: tmp_path / "scores"}


def test_scores_of_another_split_are_refused(shared, tmp_path):
    cell = el2n_cell(score_epoch=1)
    [path] = inputs_of([cell])[cell.id].values()
    right = read_scores(path)
    shifted = scores_of(cell, tmp_path, ids=torch.arange(len(right.ids)))
    with pytest.raises(ScoreError, match="el2n@1e#0 scores 131 examples of another training split"):
        kept_by(cell, shared, shifted)
    fewer = scores_of(cell, tmp_path, ids=right.ids[:-1], values=right.values[:-1])
    with pytest.raises(ScoreError, match="scores 130 examples of another training split"):
        kept_by(cell, shared, fewer)


def test_scores_of_another_kind_or_moment_are_refused(shared, tmp_path):
    cell = el2n_cell(score_epoch=1)
    with pytest.raises(ScoreError, match="el2n@1e#0 holds the grand@1e of cell"):
        kept_by(cell, shared, scores_of(cell, tmp_path, name="grand@1e"))


def test_missing_scores_are_named(shared):
    with pytest.raises(ScoreError, match=r"needs el2n@5#2, el2n@5#3; given: none"):
        kept_by(el2n_cell(score_step=5, models=2, first_seed=2), shared, {})


def test_a_cell_without_its_scores_fails_with_the_reason():
    cell = el2n_cell(score_epoch=1)
    outcome = train(cell, inputs={})[cell.id]
    assert outcome.state == "FAILED"
    assert "needs el2n@1e#0; given: none" in outcome.error["message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "cannot read the index list"),
        ("", "cannot read the index list"),
        ('{"ids": [0, 100000]}', "names examples that the training split does not hold"),
    ],
)
def test_a_damaged_list_is_refused(content, message, shared):
    cell = el2n_cell(score_epoch=1)
    kept_by(cell, shared)
    (shared.path / "0.json").write_text(content)
    with pytest.raises(ScoreError, match=message):
        kept_by(cell, shared)
