"""How SLURM writes jobs and elements of arrays: "12", "12_3", and "12_[3-5,9%2]" for several."""

import re
from collections.abc import Iterable, Iterator

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def expand(job: str) -> Iterator[tuple[str, int | None]]:
    """What a number stands for, one by one: each with its element, None where it is no array."""
    number, _, listed = job.partition("_")
    if not listed:
        yield job, None
    for first, last in _RANGE.findall(listed.partition("%")[0]):
        for element in range(int(first), int(last or first) + 1):
            yield f"{number}_{element}", element


def together(jobs: Iterable[str]) -> list[str]:
    """The same jobs and elements in as few words as there are jobs, sorted by number.

    A controller takes each word as a request of its own.
    """
    arrays: dict[int, set[int]] = {}
    whole: set[int] = set()
    for name, element in (entry for job in jobs for entry in expand(job)):
        number = int(name.partition("_")[0])
        if element is None:
            whole.add(number)
        else:
            arrays.setdefault(number, set()).add(element)
    return [
        str(number) if number in whole else f"{number}_{_listed(sorted(arrays[number]))}"
        for number in sorted(whole | arrays.keys())
    ]


def _listed(elements: list[int]) -> str:
    """Ascending elements as SLURM lists them."""
    if len(elements) == 1:
        return str(elements[0])
    runs: list[list[int]] = []
    for element in elements:
        if runs and element == runs[-1][1] + 1:
            runs[-1][1] = element
        else:
            runs.append([element, element])
    ranges = (str(first) if first == last else f"{first}-{last}" for first, last in runs)
    return f"[{','.join(ranges)}]"
