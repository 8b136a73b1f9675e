"""The film of a heatmap: it begins with nothing, ends with the picture, and stays within what chats take."""

import io

import numpy as np
import pytest
from PIL import Image

from bot.render import film as module
from bot.render.compose import scene_of
from bot.render.film import draw_film
from bot.render.film_request import FilmRequest, stops_of
from bot.render.fonts import find_faces
from bot.render.heatmap import draw
from bot.render.picture import Layout, Theme

FACES = find_faces()


@pytest.fixture
def asked(request_for, make_grid):
    """Return a maker of a request for a film of few columns, and of its grid."""

    def make(cols=10, **changes):
        return FilmRequest(last=request_for(**changes)), make_grid(cols=cols)

    return make


def frames_of(gif):
    """Return every frame of a film as RGB, and how long each stays in ms."""
    film = Image.open(io.BytesIO(gif))
    frames, durations = [], []
    for at in range(film.n_frames):
        film.seek(at)
        frames.append(np.asarray(film.convert("RGB")).astype(int))
        durations.append(film.info["duration"])
    return frames, durations


@pytest.mark.parametrize(
    ("layout", "theme"), [(Layout.LANDSCAPE, Theme.INFERNO), (Layout.PORTRAIT, Theme.LIGHT)]
)
def test_a_film_ends_with_the_picture_itself(asked, layout, theme):
    request, grid = asked(layout=layout, theme=theme)
    scene = request.scene(grid)
    frames, durations = frames_of(draw_film(scene, FACES))
    assert len(frames) == 10
    assert durations == [90] * 9 + [2_500]
    assert frames[0].shape[1::-1] == scene.size
    still = Image.open(io.BytesIO(draw(scene_of(request.last, grid), FACES))).resize(scene.size)
    assert np.abs(frames[-1] - np.asarray(still).astype(int)).mean() < 5


def test_candles_come_one_after_the_other(asked):
    request, grid = asked()
    scene = request.scene(grid)
    frames, _ = frames_of(draw_film(scene, FACES))
    for earlier, later in ((0, 4), (4, 8)):
        changed = np.abs(frames[later][80:450] - frames[earlier][80:450]).sum(axis=2) > 60
        assert changed[:, :860].any()
    unlike = [int((np.abs(frames[at] - frames[-2])[70:440, 30:640].sum(axis=2) > 60).sum()) for at in (1, 7)]
    assert unlike[0] > unlike[1]


def test_what_stands_is_drawn_on_to_the_right(asked):
    request, grid = asked()
    grid.long[:5], grid.short[:5] = 0, 0
    frames, _ = frames_of(draw_film(request.scene(grid), FACES))
    right = slice(720, 800)
    light = [frame[360:440, right].max(axis=1).mean() for frame in (frames[2], frames[7])]  # below the price
    assert light[0] < light[1] / 2


def test_frames_are_few_and_even():
    assert stops_of(0) == ()
    assert stops_of(3) == (1, 2, 3)
    stops = stops_of(288)
    assert len(stops) == 58
    assert stops[-1] == 288
    assert set(np.diff(stops)) == {5}
    assert len(stops_of(1_200)) <= 60


def test_a_film_that_is_too_large_has_fewer_frames_of_the_same_length_in_all(asked, monkeypatch):
    request, grid = asked()
    whole = draw_film(request.scene(grid), FACES)
    monkeypatch.setattr(module, "LIMIT_BYTES", len(whole) * 2 // 3)
    made = draw_film(request.scene(grid), FACES)
    frames, durations = frames_of(made)
    assert len(made) <= len(whole) * 2 // 3
    assert len(frames) < 10
    assert sum(durations[:-1]) >= 9 * 90


def test_no_data_is_a_still_picture(asked):
    request, grid = asked(cols=0)
    frames, _ = frames_of(draw_film(request.scene(grid), FACES))
    assert len(frames) == 1


def test_its_colours_are_the_themes_own(asked):
    for theme in (Theme.INFERNO, Theme.LIGHT):
        sure = module._sure(module.PALETTES[theme])
        assert len(sure) < 128
        for colour in (module.PALETTES[theme].up, module.PALETTES[theme].down, module.PALETTES[theme].ground):
            assert (sure == np.array(module.rgb(colour))).all(1).any()


def test_its_words_say_that_it_moves(asked):
    request, _ = asked()
    assert request.alt().startswith(
        "How the last 4h came to be, as a film. BTC liquidation heatmap, last 4h."
    )
    assert request.file_name == "liqwatch-BTCUSDT-4h.gif"
    assert request.what != request.last.what
