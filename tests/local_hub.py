"""A hub on this machine: a small HTTP server that answers the real huggingface_hub client as the hub does."""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_let_me_in"
LARGE_FILES = (".safetensors", ".bin")  # the hub keeps them elsewhere and answers with a redirect


@dataclass
class Repository:
    """The files of each commit, and which commit each branch or tag points at."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Make a commit of these files, point the branch at it, and return its name."""
        name = hashlib.sha1(str(len(self.commits)).encode()).hexdigest()
        self.commits[name] = files
        self.revisions[branch] = name
        return name

    def find(self, revision: str) -> str | None:
        """Return the commit that a branch, a tag or a commit stands for."""
        return revision if revision in self.commits else self.revisions.get(revision)


class LocalHub:
    """Serves `repositories` on the loopback interface and remembers each request.

    breaks: the next answers with a large file break off after so many bytes, one number for each of them
    damaged: names of files in which a byte is changed on the way
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.moved: dict[str, str] = {}  # old name -> new name
        self.requests: list[tuple[str, str, int]] = []  # method, path, status
        self.ranges: list[str] = []
        self.breaks: list[int] = []
        self.damaged: set[str] = set()
        self.down = False  # every request is answered with "service unavailable"
        hub = self

        class Handler(_Handler):
            local_hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def add(self, name: str, files: dict[str, bytes], **settings: bool) -> Repository:
        """Add a repository whose branch main holds these files."""
        self.repositories[name] = Repository(**settings)
        self.repositories[name].commit(files)
        return self.repositories[name]

    def contents_sent(self) -> list[str]:
        """Return the paths of the requests that asked for the contents of a file."""
        return [path for method, path, _ in self.requests if method == "GET" and not path.startswith("/api/")]

    def close(self) -> None:
        """Stop serving; whoever asks from now on is refused."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    local_hub: LocalHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass  # keep the tests' output quiet

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if self.local_hub.down:
            return self._send(503)
        if found := re.fullmatch(r"/large/([^/]+)/([0-9a-f]{64})/(.+)", path):
            return self._send_large(*found.groups())
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path):
            name, kind, revision = found[1], found[2], found[3] or "main"
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            name, kind, revision = found[1], "resolve", found[2]
        else:
            return self._send(404)
        if name in self.local_hub.moved:
            return self._send(307, Location=path.replace(name, self.local_hub.moved[name]))
        repository = self._open(name)
        if repository is None:
            return None
        commit = repository.find(revision)
        if commit is None:
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if kind == "resolve":
            return self._resolve(repository, name, commit, found[3])
        files = repository.commits[commit]
        if kind == "tree":
            tree = [
                {"type": "file", "path": path, "size": len(data), "oid": _git_hash(data)}
                for path, data in files.items()
            ]
            return self._send_json(tree)
        return self._send_json(
            {"id": name, "modelId": name, "sha": commit, "siblings": [{"rfilename": path} for path in files],
             "private": repository.private, "gated": repository.gated, "tags": [], "downloads": 0, "likes": 0}
        )  # fmt: skip

    def _open(self, name: str) -> Repository | None:
        """Return the repository, or answer why not; strangers do not learn whether a private one exists."""
        given = self.headers.get("Authorization")
        if given not in (None, f"Bearer {TOKEN}"):
            return self._refuse(401, None, "Invalid credentials in Authorization header")
        repository = self.local_hub.repositories.get(name)
        if repository is None or (repository.private and given is None):
            return self._refuse(404 if given else 401, "RepoNotFound", "Repository not found")
        if repository.gated:
            status = 403 if given else 401
            return self._refuse(status, "GatedRepo", f"Access to model {name} is restricted.")
        return repository

    def _resolve(self, repository: Repository, name: str, commit: str, path: str) -> None:
        data = repository.commits[commit].get(path)
        if data is None:
            return self._refuse(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": commit})
        if not path.endswith(LARGE_FILES):
            if path in self.local_hub.damaged:
                etag, data = _git_hash(data), _damage(data)
            else:
                etag = _git_hash(data)
            return self._send(200, data, ETag=f'"{etag}"', **{"X-Repo-Commit": commit})
        sha256 = hashlib.sha256(data).hexdigest()
        headers = {"X-Repo-Commit": commit, "X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
        # Another host than the hub's own, as in reality.
        place = f"http://localhost:{self.local_hub.port}/large/{name.replace('/', '--')}/{sha256}/{path}"
        return self._send(302, Location=place, **headers)

    def _send_large(self, name: str, sha256: str, path: str) -> None:
        for repository in self.local_hub.repositories.values():
            for files in repository.commits.values():
                data = files.get(path)
                if data is not None and hashlib.sha256(data).hexdigest() == sha256:
                    data = _damage(data) if path in self.local_hub.damaged else data
                    return self._send(200, data, ETag=f'"{sha256}"', **{"Accept-Ranges": "bytes"})
        return self._send(404)

    def _refuse(self, status: int, code: str | None, message: str, **headers: str) -> None:
        if code is not None:
            headers["X-Error-Code"] = code
        self._send(status, json.dumps({"error": message}).encode(), **headers, **{"X-Error-Message": message})

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes = b"", **headers: str) -> None:
        hub = self.local_hub
        wanted = self.headers.get("Range")
        if status == 200 and wanted and self.command == "GET":
            hub.ranges.append(wanted)
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            status, headers["Content-Range"] = 206, f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        hub.requests.append((self.command, self.path, status))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if hub.breaks and self.path.startswith("/large/"):
            data, self.close_connection = data[: hub.breaks.pop(0)], True
        self.wfile.write(data)


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _damage(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
