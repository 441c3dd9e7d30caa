"""Where the weights of a truly sparse matrix lie: flat positions, and the two CSR patterns.

A flat position is row * columns + column (int64, ascending, row-major), as everywhere in `sparse`.
A pattern holds the same places row by row in int32, 4 bytes per place, which is what the products
read. Nothing here makes a tensor of the matrix's size.
"""

import dataclasses

import torch
from torch import Tensor

Shape = tuple[int, int]

_LIMIT = 2**31 - 1


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """The places of a matrix (rows, columns), row by row (CSR).

    starts: (rows + 1,) int32; the places of row r are starts[r] up to starts[r + 1].
    columns: (places,) int32, ascending in every row.
    """

    starts: Tensor
    columns: Tensor
    shape: Shape

    def matrix(self, values: Tensor) -> Tensor:
        """Return the sparse CSR tensor with these values, (places,), which are not copied."""
        return torch.sparse_csr_tensor(
            self.starts, self.columns, values, self.shape, check_invariants=False
        )

    def rows(self) -> Tensor:
        """Return the row of every place, (places,) int32."""
        each = torch.arange(self.shape[0], dtype=torch.int32, device=self.starts.device)
        return each.repeat_interleave(self.starts.diff(), output_size=len(self.columns))

    def positions(self) -> Tensor:
        """Return the flat positions, (places,) int64, ascending."""
        return self.rows().to(torch.int64).mul_(self.shape[1]).add_(self.columns)


def pattern(positions: Tensor, shape: Shape) -> Pattern:
    """Return the pattern of a matrix that is not zero at these flat positions.

    positions: (places,) int64, ascending and distinct, from 0 up to rows * columns. Others, and a
    count that int32 cannot hold, are a ValueError.
    """
    refuse_large(shape, len(positions))
    _refuse_unsorted(positions, shape)
    rows = positions.div(shape[1], rounding_mode="floor")
    starts = _starts(rows, shape[0])
    columns = rows.mul_(-shape[1]).add_(positions).to(torch.int32)
    return Pattern(starts=starts, columns=columns, shape=shape)


def transposed(given: Pattern) -> tuple[Pattern, Tensor]:
    """Return the pattern of the transposed matrix, and the order of its values.

    values[order] are the values of the transposed matrix; (places,) int32.
    """
    rows, columns = given.shape
    # A stable sort keeps the rows of a column in order.
    found, order = given.columns.sort(stable=True)
    starts = _starts(found, columns)
    del found
    order = order.to(torch.int32)
    turned = given.rows().index_select(0, order)
    return Pattern(starts=starts, columns=turned, shape=(columns, rows)), order


def refuse_unfit(given: Pattern) -> None:
    """Raise a ValueError where starts and columns, from elsewhere, are no pattern of this shape."""
    starts, columns, (rows, width) = given.starts, given.columns, given.shape
    if not starts.dtype == columns.dtype == torch.int32:
        raise ValueError(f"starts are {starts.dtype}, columns {columns.dtype}, and not torch.int32")
    if starts.shape != (rows + 1,) or columns.ndim != 1:
        raise ValueError(
            f"starts have the shape {tuple(starts.shape)} and columns {tuple(columns.shape)}; they"
            f" must be ({rows + 1},) and (active weights,)"
        )
    if (int(starts[0]), int(starts[-1])) != (0, len(columns)) or bool((starts.diff() < 0).any()):
        raise ValueError(f"starts must ascend from 0 to the {len(columns)} active weights")
    if len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < width:
        raise ValueError(
            f"columns reach from {int(columns.min())} to {int(columns.max())}; they must lie"
            f" between 0 and {width - 1}"
        )
    _refuse_unsorted(given.positions(), given.shape)


def refuse_large(shape: Shape, count: int) -> None:
    """Raise a ValueError where a side, or the number of active weights, is too large for int32."""
    for what, size in (("rows", shape[0]), ("columns", shape[1]), ("active weights", count)):
        if not 0 <= size <= _LIMIT:
            raise ValueError(
                f"a truly sparse layer has {size} {what}; its indices are int32, so at most"
                f" {_LIMIT} are possible"
            )
    if count > shape[0] * shape[1]:
        raise ValueError(f"{count} active weights do not fit in a matrix of {shape[0]}x{shape[1]}")


def _starts(rows: Tensor, count: int) -> Tensor:
    starts = torch.zeros(count + 1, dtype=torch.int32, device=rows.device)
    torch.cumsum(rows.bincount(minlength=count), 0, dtype=torch.int32, out=starts[1:])
    return starts


def _refuse_unsorted(positions: Tensor, shape: Shape) -> None:
    size = shape[0] * shape[1]
    if positions.dtype != torch.int64 or positions.ndim != 1:
        raise ValueError(
            f"positions are {positions.dtype} of shape {tuple(positions.shape)}; they must be"
            " int64 of shape (active weights,)"
        )
    if len(positions) and not 0 <= int(positions[0]) <= int(positions[-1]) < size:
        raise ValueError(
            f"positions reach from {int(positions[0])} to {int(positions[-1])}; they must be"
            f" ascending and lie between 0 and {size - 1}"
        )
    if not bool((positions[1:] > positions[:-1]).all()):
        raise ValueError("positions must be ascending and distinct, but are not")
