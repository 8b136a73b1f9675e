"""Write the cells of a surface as few bytes: how far apart changes are, and what changes by.

Most codes are those of the column before. So only the changes are kept, as two rows of bytes that Huffman
codes pack well each on its own; a general deflate of the same cells is larger, and takes ten times as long.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
GAP = 255
"""A run of so many unchanged cells, with no change after it."""
LEVEL = 6
SMALL = 8192
"""Rows below it may repeat themselves as a whole: they are searched for that."""


class Changes(NamedTuple):
    """`runs[i]` unchanged cells, then one that changes by the next value; none after a run of `GAP`."""

    runs: Bytes
    values: Bytes

    @property
    def bits(self) -> float:
        """Return about how many bits Huffman codes need for both."""
        return sum(_bits(row) for row in self)


def changes_of(surfaces: Sequence[Bytes]) -> Changes:
    """Return surfaces of shape (columns, bins), one after the other, bin after bin, each bin over time."""
    flat = np.concatenate([_differences(codes) for codes in surfaces])
    where = np.flatnonzero(flat)
    unchanged = np.diff(where, prepend=-1) - 1
    ends = np.cumsum(unchanged // GAP + 1) - 1
    runs = np.full(int(ends[-1]) + 1 if len(ends) else 0, GAP, np.uint8)
    runs[ends] = unchanged % GAP
    return Changes(runs, flat[where])


def surfaces_of(changes: Changes, columns: int, bins: int) -> tuple[Bytes, Bytes]:
    """Return the two surfaces of shape (columns, bins); raise ValueError where there are none such."""
    ends = changes.runs < GAP
    where = np.cumsum(changes.runs + ends.astype(np.int64))[ends] - 1
    flat = np.zeros(2 * columns * bins, np.uint8)
    if len(where) != len(changes.values) or (len(where) and where[-1] >= len(flat)):
        raise ValueError("changes beyond the surface")
    flat[where] = changes.values
    both = np.cumsum(flat.reshape(2, bins, columns), axis=2, dtype=np.uint8).transpose(0, 2, 1)
    return both[0], both[1]


def deflated(exact: bytes, changes: Changes) -> bytes:
    """Return one zlib stream of bytes and then both rows of changes, each packed as suits it."""
    rows = [exact, *(row.tobytes() for row in changes)]
    whole, check = [b"\x78\x9c"], zlib.adler32(b"")
    for number, row in enumerate(rows, 1):
        strategy = zlib.Z_HUFFMAN_ONLY if number > 1 and len(row) >= SMALL else zlib.Z_FILTERED
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
        ending = zlib.Z_FINISH if number == len(rows) else zlib.Z_SYNC_FLUSH
        whole.append(packer.compress(row) + packer.flush(ending))
        check = zlib.adler32(row, check)
    return b"".join([*whole, check.to_bytes(4, "big")])


def _differences(codes: Bytes) -> Bytes:
    """Return each bin's codes over time as differences: what stands still is a run of zeros."""
    over_time = np.ascontiguousarray(codes.T)
    changes = over_time.copy()
    changes[:, 1:] -= over_time[:, :-1]
    return changes.ravel()


def _bits(row: Bytes) -> float:
    counts = np.bincount(row, minlength=1)
    shares = counts[counts > 0] / max(1, len(row))
    return float(-(shares * np.log2(shares)).sum() * len(row))
