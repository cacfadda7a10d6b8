"""What the hub on this machine (local_hub.py) needs to take uploads: the requests of the real client's commits."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from local_hub import LARGE_FILES, TOKEN, LocalHub


class Uploads:
    """What has come in. `stop_at` names the request that fails: "preupload", "batch", "put" or "commit"."""

    def __init__(self) -> None:
        self.large: dict[str, bytes] = {}  # by sha256
        self.made: list[dict] = []  # repositories that were asked for
        self.messages: list[str] = []
        self.stop_at: str | None = None


def accept_uploads(hub: LocalHub) -> Uploads:
    """Let `hub` take repositories and commits from whoever has its token."""
    taken = Uploads()
    reader = hub._server.RequestHandlerClass

    class Handler(reader):
        def do_POST(self) -> None:
            _post(self, hub, taken)

        def do_PUT(self) -> None:
            data = _body(self)
            name = self.path.rpartition("/")[2]
            if taken.stop_at == "put" or hashlib.sha256(data).hexdigest() != name:
                return self._send(500)
            taken.large[name] = data
            return self._send(200)

    hub._server.RequestHandlerClass = Handler
    return taken


def _post(request: BaseHTTPRequestHandler, hub: LocalHub, taken: Uploads) -> None:
    body, path = _body(request), unquote(urlsplit(request.path).path)
    if path == "/api/validate-yaml":
        return request._send_json({"errors": [], "warnings": []})
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return request._refuse(401, None, "Invalid username or password.")
    if path == "/api/repos/create":
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] != "me":
            return request._refuse(403, None, f"You don't have the rights to create a model under {name}")
        if name in hub.repositories:
            answer = {"error": "You already created this model repo", "url": f"{hub.url}/{name}"}
            return request._send(409, json.dumps(answer).encode())
        hub.add(name, {})
        taken.made.append(wanted)
        return request._send_json({"url": f"{hub.url}/{name}", "name": name})
    if path.endswith(".git/info/lfs/objects/batch"):
        if taken.stop_at == "batch":
            return request._send(500)
        objects = json.loads(body)["objects"]
        return request._send_json({"transfer": "basic", "objects": [
            {**each, "actions": {"upload": {"href": f"{hub.url}/put/{each['oid']}"}}} for each in objects
        ]})  # fmt: skip
    found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/(.+)", path)
    if found is None or found[1] not in hub.repositories:
        return request._refuse(404, "RepoNotFound", "Repository not found")
    repository, step, branch = hub.repositories[found[1]], found[2], found[3]
    if branch not in repository.revisions:
        return request._refuse(404, "RevisionNotFound", f"Invalid rev id: {branch}")
    if taken.stop_at == step:
        return request._send(500)
    if step == "preupload":
        files = [file["path"] for file in json.loads(body)["files"]]
        return request._send_json({"files": [
            {"path": file, "uploadMode": "lfs" if file.endswith(LARGE_FILES) else "regular", "shouldIgnore": False}
            for file in files
        ]})  # fmt: skip
    files = dict(repository.commits[repository.revisions[branch]])
    for line in map(json.loads, body.splitlines()):
        value = line["value"]
        if line["key"] == "header":
            taken.messages.append(value["summary"])
        elif line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        else:
            files[value["path"]] = taken.large[value["oid"]]
    commit = repository.commit(files, branch)
    url = f"{hub.url}/{found[1]}/commit/{commit}"
    return request._send_json({"success": True, "commitOid": commit, "commitUrl": url})


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    parts = []
    while size := int(request.rfile.readline(), 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)
