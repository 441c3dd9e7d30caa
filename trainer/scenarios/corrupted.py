"""The corrupted scenario: common corruptions of one severity on all splits."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from sparse.options import option
from trainer.corruptions import CORRUPTIONS, DRAWING, MIXED
from trainer.corruptions.arrays import Originals, as_inputs
from trainer.corruptions.published import FOLDERS, published_test_images
from trainer.data.bundle import CLEAN_TEST, CLEAN_VAL, RawData, Split, Splits
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.sources import Sources


@dataclass(frozen=True, kw_only=True, slots=True)
class CorruptedOptions:
    """What is done to the images, and how much of it."""

    corruption: str = option(
        "gaussian_noise",
        help="which corruption; mixed gives every image one of the fifteen common ones",
        choices=(*CORRUPTIONS, MIXED),
    )
    severity: int = option(5, help="how much; 6 is beyond the published tables", ge=1, le=6)
    corruption_seed: int = option(
        0,
        help="names the draws of the corruption; the same for every cell seed",
        ge=0,
        only_with={"corruption": list(DRAWING)},
    )
    test_arrays: str = option(
        "generated",
        help="where corrupted test images come from; published reads CIFAR-10-C or CIFAR-100-C",
        choices=("generated", "published"),
        only_with={"corruption": list(CORRUPTIONS), "severity": [1, 2, 3, 4, 5]},
    )


@SCENARIOS.register(
    "corrupted",
    summary="common corruptions (Hendrycks and Dietterich 2019) on train, validation and test",
    options=CorruptedOptions,
    needs_pixels=True,
    datasets=[{"names": list(FOLDERS), "when": {"test_arrays": "published"}}],
)
class Corrupted(Scenario):
    """All splits are corrupted alike; the clean ones are evaluated too.

    The corrupted images of a whole part of the dataset are a file that cells share, and splits and
    ``data_ratio`` take their examples from it: an image is the same in every subset.
    """

    options: CorruptedOptions

    def transform(self, splits: Splits, sources: Sources) -> Splits:
        """The splits corrupted, and the clean ones as ``clean_val`` and ``clean_test``.

        Clean and corrupted examples have the same ids.

        Raises:
            FileNotFoundError: when published arrays are asked for and absent, naming them.
            ValueError: for inputs that are no images, or published arrays that do not fit.
        """
        if splits.raw.white is None:
            raise ValueError(f"scenario corrupted: dataset {sources.dataset.name} has no images")
        parts = {"train": splits.train, "val": splits.val, "test": splits.test}
        damaged: dict[str, Split] = {}
        if self.options.test_arrays == "published":
            damaged["test"] = self._published(parts.pop("test"), sources)
        for part in sorted({split.part for split in parts.values()}):
            own = {name: split for name, split in parts.items() if split.part == part}
            damaged |= self._generated(
                own, _originals(splits.raw, part, splits.raw.white, sources), sources
            )
        clean = {CLEAN_VAL: splits.val, CLEAN_TEST: splits.test}
        return Splits(**damaged, extra={**splits.extra, **clean}, raw=splits.raw)

    def _generated(
        self, splits: Mapping[str, Split], originals: Originals, sources: Sources
    ) -> dict[str, Split]:
        images = originals.corrupted(
            sources.shared,
            corruption=self.options.corruption,
            severity=self.options.severity,
            seed=self.options.corruption_seed,
        )
        return {
            name: dataclasses.replace(split, inputs=originals.inputs_of(split.ids, images))
            for name, split in splits.items()
        }

    def _published(self, split: Split, sources: Sources) -> Split:
        images = published_test_images(
            split, sources, corruption=self.options.corruption, severity=self.options.severity
        )
        return dataclasses.replace(split, inputs=as_inputs(images))


def _originals(raw: RawData, part: str, white: float, sources: Sources) -> Originals:
    whole = [split for split in (raw.train, raw.val, raw.test) if split is not None]
    own = [split for split in whole if split.part == part]
    return Originals.of(sources.dataset.name, own, white)
