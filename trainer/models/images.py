"""Which inputs a convolutional model takes, said clearly where they do not fit."""


def refuse_other_images(
    model: str, shape: tuple[int, ...], *, smallest: int, largest: int | None = None, hint: str = ""
) -> None:
    """Raise a ValueError unless inputs are images (c, h, w) with sides between two bounds.

    model: how the message calls it. smallest, largest: pixels a side, both included; None: no upper
    bound. hint: what to do instead, ends the message.
    """
    if len(shape) != 3:
        raise ValueError(f"model {model} takes images (c, h, w), not inputs of shape {shape}")
    sides = shape[1:]
    if min(sides) < smallest or (largest is not None and max(sides) > largest):
        allowed = f"at least {smallest}" if largest is None else f"{smallest} to {largest}"
        raise ValueError(
            f"model {model} takes images of {allowed} pixels a side; "
            f"given are {sides[0]} x {sides[1]}{hint and '; '}{hint}"
        )
