"""Serve the page, its modules and libraries from memory, each under an address that names its version."""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.web.fold import folded

HERE = Path(__file__).parent
PAGE_DIR = HERE / "static"
LIBRARY_DIR = HERE / "frontend" / "node_modules"

TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
TEXTUAL = ("text/", "application/json", "application/manifest", "image/svg")

LIBRARIES = {
    "lightweight-charts": {
        "lightweight-charts.mjs": "dist/lightweight-charts.standalone.production.mjs",
        "LICENSE.txt": "LICENSE",
    },
    "@fontsource-variable/inter": {
        "inter-latin.woff2": "files/inter-latin-wght-normal.woff2",
        "inter-latin-ext.woff2": "files/inter-latin-ext-wght-normal.woff2",
        "LICENSE.txt": "LICENSE",
    },
}
"""What the page may fetch of each package: public name, file. Nothing else of node_modules is served."""

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, ready to send."""

    body: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, body: bytes) -> "Asset":
        """Prepare a file by its name's ending."""
        media_type = TYPES.get(Path(name).suffix, "application/octet-stream")
        packed = gzip.compress(body, 9, mtime=0) if media_type.startswith(TEXTUAL) else None
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return cls(body=body, packed=packed, media_type=media_type, etag=etag)

    def answer(self, request: web.Request, *, cache: str) -> web.Response:
        """Return the file, or 304 where the client has it."""
        headers = {"ETag": self.etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = self.packed
        charset = "utf-8" if self.media_type.startswith("text/") else None
        return web.Response(body=body, headers=headers, content_type=self.media_type, charset=charset)


class Assets:
    """Hold every file the page is made of, read once at start."""

    def __init__(self, page_dir: Path = PAGE_DIR, library_dir: Path = LIBRARY_DIR) -> None:
        self._files: dict[str, Asset] = {}
        self.missing: list[str] = []
        self._versions = {_public(name): self._load_library(library_dir, name) for name in LIBRARIES}
        sources = folded(
            {
                path.relative_to(page_dir).as_posix(): path.read_bytes()
                for path in sorted(page_dir.rglob("*"))
                if path.suffix in TYPES
            }
        )
        self.build = _digest(sources, self._versions)
        for name, body in sources.items():
            self._files[f"static/{name}"] = Asset.of(name, self._versioned(name, body))

    async def page(self, request: web.Request) -> web.Response:
        """Answer the page itself."""
        return self._files["static/index.html"].answer(request, cache=ASK_AGAIN)

    async def worker(self, request: web.Request) -> web.Response:
        """Answer the service worker, at the root: it serves the page where there is no network."""
        return self._files["static/sw.js"].answer(request, cache=ASK_AGAIN)

    async def file(self, request: web.Request) -> web.Response:
        """Answer `/static/…` and `/vendor/…`; an address that names the version may be kept for ever."""
        kind, version, path = (request.match_info.get(part, "") for part in ("kind", "version", "path"))
        asset = self._files.get(f"{kind}/{path}")
        if asset is None:
            raise web.HTTPNotFound(text="There is no such file.")
        current = self.build if kind == "static" else self._versions.get(path.partition("/")[0])
        return asset.answer(request, cache=FOREVER if version == current else ASK_AGAIN)

    def _load_library(self, library_dir: Path, package: str) -> str:
        """Read the files of one package and return its version; note it where it is missing."""
        base = library_dir / package
        public = _public(package)
        try:
            version = str(json.loads((base / "package.json").read_text(encoding="utf-8"))["version"])
            for name, file in LIBRARIES[package].items():
                self._files[f"vendor/{public}/{name}"] = Asset.of(name, (base / file).read_bytes())
        except FileNotFoundError:
            self.missing.append(package)
            return "missing"
        return version

    def _versioned(self, name: str, body: bytes) -> bytes:
        """Put versions into the addresses that a text of the page names."""
        if not TYPES[Path(name).suffix].startswith("text/"):
            return body
        text = body.decode().replace('"/static/', f'"/static/@{self.build}/')
        for public, version in self._versions.items():
            text = text.replace(f'"/vendor/{public}/', f'"/vendor/@{version}/{public}/')
        return text.encode()


def _public(package: str) -> str:
    return package.rpartition("/")[2]


def _digest(sources: dict[str, bytes], versions: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for name, body in sources.items():
        digest.update(name.encode() + b"\0" + body)
    return digest.hexdigest()[:12]
