import io
import pickle

from bot.render.fonts import find_faces
from bot.render.picture import Layout
from bot.render.warmup import warm_scene
from bot.render.worker import DRAWN, FAILED, answer, read_frame, write_frame

FACES = find_faces()


def test_frames_go_there_and_back():
    pipe = io.BytesIO()
    write_frame(pipe, b"one")
    write_frame(pipe, b"")
    pipe.seek(0)
    assert [read_frame(pipe), read_frame(pipe), read_frame(pipe)] == [b"one", b"", None]


def test_a_frame_cut_short_is_the_end():
    pipe = io.BytesIO()
    write_frame(pipe, b"four")
    assert read_frame(io.BytesIO(pipe.getvalue()[:-1])) is None
    assert read_frame(io.BytesIO(pipe.getvalue()[:3])) is None


def test_every_job_is_answered():
    good = answer(pickle.dumps(("en", warm_scene(Layout.PORTRAIT))), FACES)
    assert good[:5] == DRAWN + b"\x89PNG"
    assert answer(b"not a pickle", FACES)[:1] == FAILED
    assert b"KeyError" in answer(pickle.dumps(("en", None)), FACES)
