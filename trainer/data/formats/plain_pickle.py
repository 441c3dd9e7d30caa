"""A reader of the pickles in which CIFAR is published, which executes nothing.

The published batches are dictionaries that Python 2 pickled with protocol 2: texts, whole numbers,
lists and one array of bytes. Python's own unpickler imports and calls what a file names. This
reader has no such step: it knows the opcodes of plain data, and three names out of numpy that stand
for an array of unsigned bytes; all else is refused. ``pickletools.genops`` cuts the file into
opcodes, without acting on them.
"""

import math
import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

RECONSTRUCT = "numpy.core.multiarray _reconstruct"
NDARRAY = "numpy ndarray"
DTYPE = "numpy dtype"
NAMES = (RECONSTRUCT, NDARRAY, DTYPE)
"""The only names that a file may hold. They are compared and never looked up."""

_PROTOCOL = 2
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = ("BININT", "BININT1", "BININT2", "LONG1", "BINSTRING", "SHORT_BINSTRING", "BINUNICODE")
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that the file refers to; never imported."""

    text: str


@dataclass(slots=True)
class _Bytes:
    """The type of an array's elements: unsigned bytes, the only one there is."""


@dataclass(slots=True)
class _Array:
    """An array that the file builds in two steps: first empty, then filled."""

    values: np.ndarray | None = None


class _Refused(Exception):
    """What a file holds that plain data has not."""


def read_plain_pickle(content: bytes, where: str) -> dict[str, Any]:
    """The dictionary of one published batch.

    Args:
        content: the bytes of the file.
        where: the file's name, for errors.

    Returns:
        Texts (Python 2's, as Latin-1), whole numbers, lists and uint8 arrays by their names.

    Raises:
        ValueError: for anything else than such a dictionary, naming the file and what was found.
    """
    try:
        found = _run(content)
    except (_Refused, ValueError, IndexError, KeyError, TypeError) as problem:
        raise ValueError(
            f"{where}: not a plain pickle as CIFAR is published in ({problem}); nothing of it was "
            "executed"
        ) from problem
    return found


def _run(content: bytes) -> dict[str, Any]:
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "STOP":
            break
        machine.step(opcode.name, argument)
    return machine.result()


class _Machine:
    """The stack, the marks on it and the memo of a pickle that holds plain data."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        """Carry out one opcode of plain data; refuse every other."""
        stack = self._stack
        if opcode in _LITERALS:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif opcode == "PROTO":
            if argument != _PROTOCOL:
                raise _Refused(f"protocol {argument}")
        elif opcode == "GLOBAL":
            stack.append(_name(argument))
        elif opcode in ("REDUCE", "BUILD"):
            self._array_step(opcode)
        else:
            self._container_step(opcode)

    def result(self) -> dict[str, Any]:
        """The one dictionary that is left, its arrays whole."""
        if len(self._stack) != 1 or not isinstance(self._stack[0], dict):
            raise _Refused("no dictionary")
        return {name: _whole(value) for name, value in self._stack[0].items()}

    def _container_step(self, opcode: str) -> None:
        stack = self._stack
        if opcode == "MARK":
            self._marks.append(len(stack))
        elif opcode == "EMPTY_LIST":
            stack.append([])
        elif opcode == "EMPTY_DICT":
            stack.append({})
        elif opcode == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif opcode in _TUPLES:
            stack.append(tuple(self._last(_TUPLES[opcode])))
        elif opcode in ("APPEND", "APPENDS"):
            items = self._last(1) if opcode == "APPEND" else self._since_mark()
            _as(list, stack[-1]).extend(items)
        elif opcode in ("SETITEM", "SETITEMS"):
            items = self._last(2) if opcode == "SETITEM" else self._since_mark()
            # Hashing anything else than a text could overflow the stack of the process.
            names = [_as(str, name) for name in items[::2]]
            _as(dict, stack[-1]).update(zip(names, items[1::2], strict=True))
        else:
            raise _Refused(f"opcode {opcode}")

    def _array_step(self, opcode: str) -> None:
        target, argument = self._last(2)
        if opcode == "REDUCE":
            self._stack.append(_started(target, argument))
            return
        if isinstance(target, _Array):
            target.values = _filled(argument)
        elif not isinstance(target, _Bytes):
            raise _Refused(f"state for a {type(target).__name__}")
        self._stack.append(target)

    def _last(self, count: int) -> list[Any]:
        start = len(self._stack) - count
        if start < (self._marks[-1] if self._marks else 0):
            raise _Refused("a stack that is too short")
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items


def _name(text: str) -> _Name:
    if text not in NAMES:
        raise _Refused(f"the name {text!r}")
    return _Name(text)


def _started(target: Any, arguments: Any) -> _Array | _Bytes:
    if target == _Name(RECONSTRUCT) and arguments == (_Name(NDARRAY), (0,), "b"):
        return _Array()
    if target == _Name(DTYPE) and arguments == ("u1", 0, 1):
        return _Bytes()
    raise _Refused("a call that builds no array of unsigned bytes")


def _filled(state: Any) -> np.ndarray:
    version, shape, kind, by_column, text = _as(tuple, state)
    sized = isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)
    if version != 1 or not isinstance(kind, _Bytes) or type(by_column) is not bool or not sized:
        raise _Refused("an array that is not of unsigned bytes")
    values = np.frombuffer(_as(str, text).encode("latin-1"), np.uint8)
    if len(values) != math.prod(shape):
        raise _Refused(f"{len(values)} bytes for an array of shape {shape}")
    return values.reshape(shape, order="F" if by_column else "C")


def _as(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise _Refused(f"a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, _Name | _Bytes) or (isinstance(value, _Array) and value.values is None):
        raise _Refused("an array that is not filled")
    return value.values if isinstance(value, _Array) else value
