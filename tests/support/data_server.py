"""A publisher of data: a real HTTP server on this machine, and archives of the true formats."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Publisher:
    """What a server offers, and what it was asked for.

    Attributes:
        files: Path of the URL to content.
        cut: Paths of which only the first half is sent.
        asked: The paths of all requests.
    """

    files: dict[str, bytes]
    cut: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def plain(self, path: str, **more: Any) -> dict[str, Any]:
        """The description of a file in a dataset's trait `files`, with its true sum and size."""
        content = self.files[path]
        return {
            "path": path,
            "url": self.url(path),
            "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "bytes": len(content),
            **more,
        }


@contextmanager
def publishing(files: Mapping[str, bytes]) -> Iterator[Publisher]:
    """Serve files on a free port of this machine."""
    publisher = Publisher(dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            publisher.asked.append(path)
            content = publisher.files.get(path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if path in publisher.cut else content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tar_of(members: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    """A tar archive of files, and of members as they are given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members: Mapping[str | zipfile.ZipInfo, bytes]) -> bytes:
    """A zip archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
