"""The page and its libraries: versions in addresses, caching, and nothing else from the disk."""

import json
import re

import pytest

from bot.web.static import LIBRARIES, LIBRARY_DIR, PAGE_DIR, Assets

FRONTEND = LIBRARY_DIR.parent
installed = pytest.mark.skipif(
    not (LIBRARY_DIR / "lightweight-charts").is_dir(), reason="needs the page's libraries: make setup"
)


async def addresses(site) -> list[str]:
    """Return every address that the page names."""
    async with site.get("/") as answer:
        return re.findall(r'(?:src|href)="(/(?:static|vendor)/[^"]+)"', await answer.text())


@installed
async def test_everything_the_page_names_is_there_and_kept_for_ever(site):
    names = await addresses(site)
    assert len(names) >= 7
    for name in names:
        async with site.get(name) as answer:
            assert answer.status == 200, name
            assert "immutable" in answer.headers["Cache-Control"], name


@installed
async def test_modules_and_styles_name_only_what_is_there(site):
    for path in sorted(PAGE_DIR.glob("*.js")) + sorted(PAGE_DIR.glob("*.css")):
        async with site.get(f"/static/{path.name}") as answer:
            text = await answer.text()
        for name in re.findall(r'from "([^"]+)"|import\("([^"]+)"\)|url\("([^"]+)"\)', text):
            target = next(filter(None, name))
            target = target.replace("./", "/static/") if target.startswith("./") else target
            async with site.get(target) as answer:
                assert answer.status == 200, f"{path.name} names {target}"


async def test_the_page_itself_is_asked_for_again(site):
    async with site.get("/") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        etag = answer.headers["ETag"]
    async with site.get("/", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


async def test_texts_are_packed_for_who_takes_it(site):
    async with site.get("/static/main.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "main" in str(answer.url)
        assert len(await answer.text()) > 1000
    async with site.get("/static/main.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fweb%2fapp.py",
        "/vendor/lightweight-charts/package.json",
        "/vendor/fancy-canvas/index.js",
        "/vendor/@fontsource-variable/inter/index.css",
        "/static/@x/../../auth.py",
        "/static//etc/passwd",
        "/static/",
    ],
)
async def test_nothing_else_of_the_disk_is_served(site, path):
    from yarl import URL

    async with site.client.get(URL(site.base + path, encoded=True)) as answer:
        assert answer.status == 404


async def test_missing_libraries_are_said(serve, tmp_path):
    site = await serve(library_dir=tmp_path)
    async with site.get("/readyz") as answer:
        assert answer.status == 503
        assert "make setup" in str(await answer.json())
    async with site.get("/") as answer:
        assert answer.status == 200


def test_a_change_changes_the_addresses(tmp_path):
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text('<script src="/static/a.js"></script>')
    (page / "a.js").write_text("1")
    before = Assets(page, tmp_path).build
    (page / "a.js").write_text("2")
    assert Assets(page, tmp_path).build != before


def test_the_lock_file_names_no_registry_and_exact_versions():
    package = json.loads((FRONTEND / "package.json").read_text())
    lock = json.loads((FRONTEND / "package-lock.json").read_text())
    assert "omit-lockfile-registry-resolved=true" in (FRONTEND / ".npmrc").read_text()
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name
    assert set(LIBRARIES) <= set(package["dependencies"])


def test_the_page_loads_nothing_from_elsewhere():
    links = re.compile(r"https?://[^\s\"'`)]+")
    allowed = {"https://www.tradingview.com/", "http://www.w3.org/2000/svg"}
    for path in PAGE_DIR.rglob("*.*"):
        if path.suffix in (".html", ".js", ".css", ".svg"):
            assert set(links.findall(path.read_text())) <= allowed, path.name
