"""How SLURM writes jobs and elements of arrays."""

import pytest

from orchestrator.slurm.elements import expand, together


@pytest.mark.parametrize(
    ("job", "elements"),
    [
        ("12", [("12", None)]),
        ("12_7", [("12_7", 7)]),
        ("12_[7]", [("12_7", 7)]),
        ("12_[3-5]", [("12_3", 3), ("12_4", 4), ("12_5", 5)]),
        ("12_[3-4,9%2]", [("12_3", 3), ("12_4", 4), ("12_9", 9)]),
    ],
)
def test_elements_that_are_told_together_are_taken_apart(
    job: str, elements: list[tuple[str, int | None]]
) -> None:
    assert list(expand(job)) == elements


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([], []),
        (["12"], ["12"]),
        (["12_3"], ["12_3"]),
        (["12_4", "12_3", "12_9", "12_3"], ["12_[3-4,9]"]),
        (["101_0", "12_0", "12_1", "13"], ["12_[0-1]", "13", "101_0"]),
        (["12_3", "12"], ["12"]),
    ],
)
def test_elements_of_a_job_become_one_word(jobs: list[str], words: list[str]) -> None:
    assert together(jobs) == words


def test_ten_thousand_elements_of_ten_arrays_are_ten_words() -> None:
    jobs = [f"{number}_{element}" for number in range(1, 11) for element in range(1000)]
    assert together(jobs) == [f"{number}_[0-999]" for number in range(1, 11)]
