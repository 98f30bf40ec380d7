"""The files of a page, in memory, each with the headers that it is served with.

In: a folder with `index.html`. Out: responses. `Files` owns what it has read; it reads again what has changed on disk,
so that somebody who edits the page has to reload it only.

A file's address has the digest of all files in it, so that a browser may keep it for ever, and modules that import each
other are always of one version. The page itself is never kept.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Scripts and styles of our own files alone; no text can become HTML (trusted types)."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"
ALWAYS_ASK: Final = "no-cache"
NOT_AT_ALL: Final = "no-store"

_INDEX: Final = "index.html"
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json"}
_WORTH_PACKING: Final = ("text/", "application/json", "image/svg")


@dataclass(frozen=True)
class File:
    """One file."""

    content: bytes
    media_type: str

    @cached_property
    def tag(self) -> str:
        """Its entity tag."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    @cached_property
    def packed(self) -> bytes | None:
        """Its content by gzip; None where that is not worth it."""
        if not self.media_type.startswith(_WORTH_PACKING):
            return None
        return gzip.compress(self.content, 9, mtime=0)


class Files:
    """The files below a folder.

    Args:
        folder: with `index.html`, in which `{static}` stands for the address of the files, and names of facts for them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signature: tuple[tuple[str, int, int], ...] = ()
        self._files: dict[str, File] = {}
        self.version = ""
        """The digest of all files."""

    def index(self, request: Request, facts: Mapping[str, str], status: int = 200) -> Response:
        """The page, for any of its paths.

        Args:
            request: for it.
            facts: what the page needs to know, by name.
            status: of the response.
        """
        self._read()
        text = self._files[_INDEX].content.decode()
        for name, fact in {**facts, "static": f"/static/{self.version}"}.items():
            text = text.replace(f"{{{name}}}", escape(fact))
        return _response(request, File(text.encode(), "text/html"), NOT_AT_ALL, status)

    def file(self, request: Request, version: str, name: str) -> Response | None:
        """A file; None where there is none of this name."""
        if not self._files or name not in self._files:
            self._read()
        if name == _INDEX or name not in self._files:
            return None
        return _response(request, self._files[name], FOR_EVER if version == self.version else ALWAYS_ASK)

    def _read(self) -> None:
        paths = sorted(path for path in self._folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        stats = [(path, path.stat()) for path in paths]
        signature = tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)
        if signature == self._signature:
            return
        files = {path.relative_to(self._folder).as_posix(): File(path.read_bytes(), _type_of(path)) for path in paths}
        digest = hashlib.sha256("".join(f"{name}{file.tag}" for name, file in files.items()).encode())
        self._signature, self._files, self.version = signature, files, digest.hexdigest()[:12]


def _type_of(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"


def _response(request: Request, file: File, kept: str, status: int = 200) -> Response:
    headers = {**HEADERS, "Cache-Control": kept, "Vary": "Accept-Encoding"}
    if kept != NOT_AT_ALL:
        headers["ETag"] = file.tag
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, headers)
    content = file.content
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content = file.packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, status, headers, media_type=file.media_type)
