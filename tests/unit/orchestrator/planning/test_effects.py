"""The effects behind durations: found again where they were put in, careful where little tells."""

import math
import random

import pytest

from orchestrator.planning.effects import Rest, effects_of, towards_prior


def rests(
    seed: int, *, occasions: int, workers: int, blocks: int, sds: tuple[float, float, float]
) -> list[Rest]:
    """Random blocks: `sds` are those of occasions, of workers and of blocks."""
    draw, found = random.Random(seed), []
    for occasion in range(occasions):
        common = draw.gauss(0, sds[0])
        for worker in range(workers):
            own = common + draw.gauss(0, sds[1])
            for _ in range(blocks):
                value = own + draw.gauss(0, sds[2])
                found.append(Rest(value, 1, f"{occasion}.{worker}", occasion))
    return found


def test_of_much_data_the_spreads_come_out_as_they_were_put_in() -> None:
    found = effects_of(rests(1, occasions=60, workers=8, blocks=8, sds=(0.3, 0.2, 0.1)), kinds=1)
    assert found.block.sd == pytest.approx(0.1, rel=0.1)
    assert found.worker.sd == pytest.approx(0.2, rel=0.15)
    assert found.occasion.sd == pytest.approx(0.3, rel=0.25)
    assert found.smear == pytest.approx(math.exp(0.1**2 / 2), rel=0.02)


def test_one_occasion_tells_nothing_of_others() -> None:
    found = effects_of(rests(1, occasions=1, workers=4, blocks=5, sds=(0.3, 0.0, 0.01)), kinds=1)
    assert found.occasion.sd == pytest.approx(0.15)
    assert (found.occasion.freedom, found.occasions) == (4.0, 1)


def test_without_data_there_are_the_priors() -> None:
    found = effects_of([], kinds=0)
    assert (found.block.sd, found.worker.sd, found.occasion.sd) == pytest.approx((0.1, 0.05, 0.15))


def test_a_variance_is_pooled_by_degrees_of_freedom() -> None:
    found = towards_prior((4.0, 0.1), 0.09, 12.0)
    assert found.freedom == 16.0
    assert found.sd == pytest.approx(math.sqrt((4 * 0.01 + 12 * 0.09) / 16))


def test_the_smear_of_a_heavy_tail_is_that_of_the_data_and_not_of_a_bell() -> None:
    # One block in ten takes e times as long: the mean is 1 + (e - 1) / 10 times the median.
    values = [1.0 if number % 10 == 0 else 0.0 for number in range(200)]
    found = effects_of([Rest(value, 1, "w", 0) for value in values], kinds=1)
    middle = sum(values) / len(values)
    assert found.smear == pytest.approx((0.9 + 0.1 * math.e) / math.exp(middle))
