"""Reading a Dockerfile and a .dockerignore, as far as ours go; what goes further is an error."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

KEYWORDS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV"),
    *("FROM", "LABEL", "RUN", "USER", "WORKDIR"),
)

_FLAG = re.compile(r"--([a-z]+)=(\S+)\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: its keyword, its `--name=value` flags, and the rest on one line."""

    line: int
    keyword: str
    flags: Mapping[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the exec form, `["a", "b"]`, or those a shell would see."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """The `name=value` words of ENV and LABEL; a name alone, as ARG may have, is empty."""
        parts = [word.partition("=") for word in self.words]
        return {name: value for name, _, value in parts}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What stands from one FROM to the next: the image it begins with, its name, its steps."""

    base: str
    name: str
    steps: tuple[Instruction, ...]

    def all(self, keyword: str) -> list[Instruction]:
        """Its instructions of one kind, in order."""
        return [step for step in self.steps if step.keyword == keyword]

    def one(self, keyword: str) -> Instruction:
        """Its only instruction of that kind; ValueError when there are none or several."""
        (found,) = self.all(keyword)
        return found

    def pairs(self, keyword: str) -> dict[str, str]:
        """All names and values that instructions of that kind set."""
        return {name: value for step in self.all(keyword) for name, value in step.pairs.items()}


def stages_of(text: str) -> tuple[Stage, ...]:
    """The stages of a Dockerfile; ValueError for an instruction that no test here understands."""
    stages: list[Stage] = []
    steps: list[Instruction] = []
    for line, logical in _logical_lines(text):
        step = _instruction(line, logical)
        if step.keyword == "FROM":
            base, _, name = step.text.partition(" AS ")
            steps = []
            stages.append(Stage(base=base.strip(), name=name.strip(), steps=()))
            continue
        if not stages:
            raise ValueError(f"line {line}: {step.keyword} stands before the first FROM")
        steps.append(step)
        last = stages[-1]
        stages[-1] = Stage(base=last.base, name=last.name, steps=tuple(steps))
    return tuple(stages)


def ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether a .dockerignore keeps a path of the context from the engine.

    The last pattern that matches the path or a folder above it decides; `!` takes back.
    """
    own = PurePosixPath(path)
    names = [str(own), *(str(folder) for folder in own.parents if str(folder) != ".")]
    verdict = False
    for pattern in patterns:
        expression = _expression(pattern.removeprefix("!").strip("/"))
        if any(expression.fullmatch(name) for name in names):
            verdict = not pattern.startswith("!")
    return verdict


def patterns_of(text: str) -> list[str]:
    """The patterns of a .dockerignore, in order."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    begin, collected = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begin = begin if collected else number
        collected += line.strip().removesuffix("\\")
        if not line.endswith("\\"):
            yield begin, collected
            collected = ""
    if collected:
        raise ValueError(f"line {begin}: the instruction has no end")


def _instruction(line: int, logical: str) -> Instruction:
    keyword, _, rest = logical.partition(" ")
    if keyword not in KEYWORDS or rest.lstrip().startswith("<<"):
        raise ValueError(f"line {line}: {keyword} is not among {', '.join(KEYWORDS)}")
    flags: dict[str, str] = {}
    rest = rest.strip()
    while match := _FLAG.match(rest):
        flags[match[1]] = match[2]
        rest = rest[match.end() :]
    return Instruction(line=line, keyword=keyword, flags=flags, text=rest)


def _expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern)
    escaped = escaped.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.compile(escaped)
