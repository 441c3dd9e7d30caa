"""Cutting packs into arrays, and sharing out how many of them may run at once."""

from orchestrator.slurm.arrays import chunk, spread


def test_arrays_are_as_few_as_possible_and_about_equal() -> None:
    assert [len(part) for part in chunk(range(1100), 1000)] == [550, 550]
    assert [len(part) for part in chunk(range(1000), 1000)] == [1000]
    assert [n for part in chunk(range(11), 4) for n in part] == list(range(11))
    assert chunk([], 10) == []


def test_all_arrays_together_keep_to_the_cap() -> None:
    assert spread(64, [1000]) == [64]
    assert spread(10, [5, 5, 5]) == [4, 3, 3]
    assert spread(100, [5, 2]) == [5, 2]


def test_what_a_small_array_cannot_use_goes_to_the_large_ones() -> None:
    assert spread(20, [1, 100, 100]) == [1, 10, 9]


def test_every_array_may_run_one_task_at_least() -> None:
    assert spread(2, [5, 5, 5]) == [1, 1, 1]
