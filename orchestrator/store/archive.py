"""The archive: records that the tables hold, compressed, many in one file, as they were written."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from orchestrator.store.layout import Store
from orchestrator.store.publishing import publish_new

_NO_CURVE = b',"curve":null}\n'


def archive_line(record: bytes, curve: bytes | None) -> bytes:
    """One line of an archive.

    Args:
        record: The content of a record's file.
        curve: That of its curve's file; None when there is none.
    """
    return b'{"record":%b,"curve":%b}\n' % (record.strip(), (curve or b"null").strip())


def has_curve(line: bytes) -> bool:
    """Whether a line holds a curve."""
    return not line.endswith(_NO_CURVE)


def publish_archive(store: Store, label: str, lines: Mapping[tuple[str, str], bytes]) -> Path:
    """Publish lines as one file; it is on the disk when this returns.

    Args:
        store: The store.
        label: How the file's name begins. It goes on with a digest of the names in it, so that
            whoever does the same again, after a kill or at the same time, adds no second file.
        lines: Cell and attempt to line.
    """
    import pyarrow as pa

    names = sorted(lines)
    digest = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
    path = store.archive / f"{label}-{digest}.jsonl.zst"
    content = b"".join(lines[name] for name in names)
    publish_new(path, pa.compress(content, codec="zstd", asbytes=True))
    return path
