from pathlib import Path

import pytest

from bot.render.fonts import INTER, Weight, find_faces


def test_without_inter_dejavu_is_used(tmp_path: Path):
    faces = find_faces(tmp_path)
    assert faces.family == "DejaVu Sans"
    assert all(path.is_file() for path in faces.files.values())


def test_an_incomplete_inter_is_not_used(tmp_path: Path):
    (tmp_path / "400Regular").mkdir()
    (tmp_path / "400Regular" / "Inter_400Regular.ttf").write_bytes(b"")
    assert find_faces(tmp_path).family == "DejaVu Sans"


@pytest.mark.skipif(not INTER.is_dir(), reason="the page's packages are not installed")
def test_inter_is_used_where_set_up_put_it():
    faces = find_faces()
    assert faces.family == "Inter"
    assert faces.files[Weight.BOLD].name == "Inter_700Bold.ttf"


def test_what_a_font_lacks_is_replaced(tmp_path: Path):
    faces = find_faces(tmp_path)
    assert faces.drawable("BTC −2.7% ↑ · …") == "BTC −2.7% ↑ · …"
    assert faces.drawable("币安\n\x00X") == "??X"
    assert faces.drawable("1\u202f234,5\u00a0Mio.\u00a0$") == "1 234,5 Mio. $"


def test_width_grows_with_weight_and_length(tmp_path: Path):
    faces = find_faces(tmp_path)
    assert faces.advance(Weight.BOLD, "$106,700") > faces.advance(Weight.REGULAR, "$106,700")
    assert faces.advance(Weight.REGULAR, "aa") > faces.advance(Weight.REGULAR, "a")
