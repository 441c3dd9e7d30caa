"""The el2n scenario: training on the examples that trained networks find hard, or easy.

``data_ratio``, below 1, is the kept share of the ranking: all of the data is the scenario clean.
The published code squares the norms, walks the data in training mode and knows 10 and 100 classes
only; here none of that is so, and a test holds each.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grids.artifacts import SCORES, artifact_of
from grids.traits import input_names
from sparse.inherited import DENSE_CELL
from sparse.options import option
from trainer.data.bundle import Split, Splits
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.score_files import ScoreError, Scores, read_scores
from trainer.scores import mean_score
from trainer.sources import Sources
from trainer.subsets import by_draw, by_score, first_of_each_class, kept_count

LIST_FORMAT = 1
"""Raised when what an index list holds changes its meaning."""

_SCORED = ["hard", "easy"]
_RULE = {
    "cell": {**DENSE_CELL, "scenario": "clean", "data_ratio": "1"},
    "seeds": {"first": "first_seed", "count": "models"},
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class El2nOptions:
    """What is kept, and by which scores."""

    keep: str = option(
        "hard",
        choices=[*_SCORED, "random"],
        help="what data_ratio keeps: the highest scores, the lowest, or a random draw",
    )
    score: str = option(
        "el2n", choices=SCORES, only_with={"keep": _SCORED}, help="how hard an example is"
    )
    models: int = option(
        1,
        ge=1,
        only_with={"keep": _SCORED},
        help="dense networks whose scores are averaged; Paul et al. recommend 10 and more",
    )
    first_seed: int = option(
        0, ge=0, only_with={"keep": _SCORED}, help="seed of the first of them; the others follow"
    )
    score_epoch: int = option(
        20,
        ge=1,
        only_with={"keep": _SCORED, "score_step": 0},
        help="epoch at whose end they are scored",
    )
    score_step: int = option(
        0,
        ge=0,
        only_with={"keep": _SCORED},
        help="optimizer step after which they are scored; 0: at the end of score_epoch",
    )
    balanced: bool = option(
        False, help="keep equally many examples of every class, as far as there are"
    )


_NEEDS: Sequence[Mapping[str, Any]] = (
    {
        **_RULE,
        "artifact": "{score}@{score_epoch}e",
        "when": {"keep": _SCORED, "score_step": 0},
    },
    {
        **_RULE,
        "artifact": "{score}@{score_step}",
        "when": {"keep": _SCORED},
        "unless": {"score_step": 0},
    },
)


@SCENARIOS.register(
    "el2n",
    summary="the hardest examples, by the scores of dense networks trained on all of them",
    options=El2nOptions,
    needs_share=True,
    needs=_NEEDS,
)
class El2n(Scenario):
    """Keeps the first examples of a ranking; the rest of the data is as it comes.

    Paul et al. 2021 for the scores, Xiao et al. 2024 (hard samples), section 3, for the subsets.
    """

    options: El2nOptions

    def subset(self, splits: Splits, ratio: str, sources: Sources) -> Tensor:
        """The positions that are kept, ascending, by the list that all cells of a recipe share.

        Raises:
            ScoreError: When scores are missing, or are of other examples.
        """
        train = splits.train
        scores = self._scores(train, ratio, sources)
        recipe = self._recipe(splits, ratio, sources, scores)

        def make(path: Path) -> None:
            ids = train.ids[self._ranked(splits, ratio, scores)].tolist()
            path.write_text(json.dumps({**recipe, "ids": ids}, indent=1) + "\n", encoding="utf-8")

        return _positions(train.ids, _listed(sources.shared.file(recipe, make)))

    def _scores(self, train: Split, ratio: str, sources: Sources) -> list[Scores]:
        """The scores of every network, in the order of their seeds; none for a random draw."""
        options = {"data_ratio": ratio, **dataclasses.asdict(self.options)}
        wanted = input_names(_NEEDS, options)
        missing = [one for one in wanted if one not in sources.inputs]
        if missing:
            given = ", ".join(sorted(sources.inputs)) or "none"
            raise ScoreError(f"scenario el2n needs {', '.join(missing)}; given: {given}")
        return [_checked(read_scores(sources.inputs[one]), train, one) for one in wanted]

    def _ranked(self, splits: Splits, ratio: str, scores: list[Scores]) -> Tensor:
        """The positions that are kept, the first of the ranking first."""
        train, keep = splits.train, self.options.keep
        count = kept_count(splits.raw, len(train), ratio)
        if keep == "random":
            ranked = by_draw(len(train), splits.raw.split_seed)
        else:
            mean = mean_score([one.values for one in scores])
            ranked = by_score(mean, train.ids, highest_first=keep == "hard")
        if self.options.balanced:
            return first_of_each_class(ranked, train.targets, count)
        return ranked[:count]

    def _recipe(
        self, splits: Splits, ratio: str, sources: Sources, scores: list[Scores]
    ) -> dict[str, Any]:
        """All that the list follows from."""
        train = splits.train
        return {
            "what": "examples kept by el2n",
            "format": LIST_FORMAT,
            "dataset": sources.dataset.canonical(),
            "part": train.part,
            "data_ratio": ratio,
            "options": dataclasses.asdict(self.options),
            "examples": _digest(train.ids, train.targets),
            "scores": [
                {"cell": one.cell, "name": one.name, "sha256": _digest(one.values)}
                for one in scores
            ],
        }


def _checked(scores: Scores, train: Split, given: str) -> Scores:
    """The scores; ``ScoreError`` unless they are what was asked for, of these examples in order."""
    if scores.name != artifact_of(given):
        raise ScoreError(f"{given} holds the {scores.name} of cell {scores.cell}")
    if not torch.equal(scores.ids, train.ids):
        raise ScoreError(
            f"{given} scores {len(scores.ids)} examples of another training split than this one,"
            f" which has {len(train)}"
        )
    return scores


def _listed(path: Path) -> Tensor:
    """The ids in an index list."""
    try:
        content: Mapping[str, Any] = json.loads(path.read_bytes())
        return torch.tensor(content["ids"], dtype=torch.int64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScoreError(f"cannot read the index list {path}: {error}") from error


def _positions(ids: Tensor, listed: Tensor) -> Tensor:
    """Where the listed ids stand, ascending."""
    kept = torch.isin(ids, listed)
    if int(kept.sum()) != len(listed):
        raise ScoreError("the index list names examples that the training split does not hold")
    return kept.nonzero().flatten()


def _digest(*values: Tensor) -> str:
    content = hashlib.sha256()
    for value in values:
        content.update(value.cpu().contiguous().numpy().tobytes())
    return content.hexdigest()
