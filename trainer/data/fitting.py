"""Whether the splits of a dataset fit each other, told before anything is trained."""

from trainer.data.bundle import Split, Splits


def refuse_unfit(splits: Splits) -> None:
    """Refuse splits on which nothing can be trained or measured, or that differ in kind.

    Raises:
        ValueError: naming the split: it is empty, its inputs have another shape or type than those
            of the training split, or a target is not one of the classes.
    """
    parts = {"train": splits.train, "val": splits.val, "test": splits.test, **splits.extra}
    for name, split in parts.items():
        _refuse_empty(name, split, splits)
        _refuse_other_inputs(name, split, splits.train)
        _refuse_other_classes(name, split, splits.raw.classes)


def _refuse_empty(name: str, split: Split, splits: Splits) -> None:
    if len(split):
        return
    cut = {"val": splits.raw.val is None, "test": splits.raw.test is None}
    given = len(splits.raw.train)
    if cut.get(name):
        cure = f"raise {name}_fraction, or give more than {given} examples"
    elif name == "train" and given and any(cut.values()):
        fractions = " or ".join(f"{part}_fraction" for part, own in cut.items() if own)
        cure = f"lower {fractions}, or give more than {given} examples"
    else:
        cure = "its file holds no example; name another in the options of the dataset"
    raise ValueError(f"the split {name} of the dataset is empty: {cure}")


def _refuse_other_inputs(name: str, split: Split, train: Split) -> None:
    kind, own = (_kind(each) for each in (train, split))
    if own != kind:
        raise ValueError(
            f"the split {name} of the dataset has inputs of {own}, and train of {kind}; name files "
            "of one kind in the options of the dataset"
        )


def _refuse_other_classes(name: str, split: Split, classes: int) -> None:
    least, most = int(split.targets.min()), int(split.targets.max())
    if least < 0 or most >= classes:
        wrong = least if least < 0 else most
        raise ValueError(
            f"the split {name} of the dataset has a target {wrong}, and there are {classes} "
            f"classes, 0 to {classes - 1}; name files with the same classes in the options of the "
            "dataset"
        )


def _kind(split: Split) -> str:
    shape = " x ".join(map(str, split.inputs.shape[1:]))
    return f"shape {shape} and type {str(split.inputs.dtype).removeprefix('torch.')}"
