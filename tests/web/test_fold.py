"""What the page's first picture needs comes in one module and one style sheet, each module once."""

import re

import pytest

from bot.web.fold import folded
from bot.web.static import PAGE_DIR

SOURCES = {
    "main.js": b'import { twice } from "./b.js";\ntwice(1);\n',
    "a.js": (
        b'import { chart } from "/vendor/x/x-y.mjs";\nconst own = 2;\n'
        b"export function times(n) { return n * own; }\nexport const ONE = 1;\n"
    ),
    "b.js": b'import { times as of } from "./a.js";\nconst own = of;\nexport const twice = (n) => own(n);\n',
    "late.js": b'import { ONE } from "./a.js";\n',
}


def test_a_module_stands_behind_what_it_imports_and_keeps_its_names_to_itself():
    parts = folded(SOURCES)["parts.js"].decode()
    assert parts.index("// a.js") < parts.index("// b.js")
    assert "const { times: of } = $a;" in parts
    assert "export const $b = (() => {" in parts
    assert parts.startswith('import * as $x_y from "/vendor/x/x-y.mjs";\n')
    assert "const { chart } = $x_y;" in parts


def test_the_page_itself_stays_apart_so_that_its_parts_can_be_had_without_it():
    files = folded(SOURCES)
    assert files["main.js"].decode() == (
        'import { $b } from "/static/parts.js";\nconst { twice } = $b;\ntwice(1);\n'
    )
    assert "twice(1)" not in files["parts.js"].decode()


def test_the_old_address_hands_out_the_one_that_was_folded():
    files = folded(SOURCES)
    assert files["a.js"].decode() == (
        'import { $a } from "/static/parts.js";\nexport const { times, ONE } = $a;\n'
    )
    assert files["late.js"] == SOURCES["late.js"]


def test_what_cannot_be_folded_is_refused_with_its_line():
    with pytest.raises(ValueError, match=r"a\.js cannot be folded for this line: export default"):
        folded({**SOURCES, "a.js": b"export default 1;\n"})
    with pytest.raises(ValueError, match=r"b\.js imports itself"):
        folded({**SOURCES, "a.js": b'import { twice } from "./b.js";\n'})


def test_styles_are_put_in_place_of_their_imports():
    files = folded(
        {"page.css": b'@import "./a.css";\n@import "./b.css";\n', "a.css": b"a{}\n", "b.css": b"b{}\n"}
    )
    assert files["page.css"] == b"a{}\nb{}\n"


def test_the_pages_first_picture_takes_two_modules_one_style_and_the_chart():
    files = folded({path.name: path.read_bytes() for path in PAGE_DIR.glob("*.*")})
    named = re.findall(
        r'(?:src|href)="(/(?:static|vendor)/[^"]+\.(?:m?js|css))"', files["index.html"].decode()
    )
    assert set(named) == {
        "/static/early.js",
        "/static/page.css",
        "/static/parts.js",
        "/static/main.js",
        "/static/decode.js",
        "/vendor/lightweight-charts/lightweight-charts.mjs",
    }
    imported = re.findall(r'^import .*from "([^"]+)"', files["parts.js"].decode(), re.MULTILINE)
    assert sorted(imported) == ["./decode.js", "/vendor/lightweight-charts/lightweight-charts.mjs"]
    assert "@import" not in files["page.css"].decode()
