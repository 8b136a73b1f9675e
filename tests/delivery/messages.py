"""Messages for tests of channels: a usual alert, and ones that somebody made up to do harm."""

import io

from PIL import Image

from bot.delivery.channel import OutMessage, Picture
from engine.model import Severity

LONGS = "If price falls into it, these longs are sold off by force, which can deepen the fall."
BUTTONS = (
    (("Snooze 1 h", "v1:alert:snooze:12:for=1h"), ("Pause", "v1:alert:pause:12")),
    (("Chart", "v1:heatmap:-:BTCUSDT:24h"), ("Why?", "v1:alert:why:a1")),
)
FIGURES = (("Price", "111,788"), ("Distance", "0.8%"), ("Zone", "110,500–110,900"), ("Longs there", "$42M"))
EVIL = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\r\nBcc: victim@example.org\r\n\r\n"
    "@everyone <!channel> <@42> [x](https://evil.example) \u202egnp.exe \x00\x1b[31m \ud800 \"'>"
)


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 36), (200, 80, 40)).save(buffer, "PNG")
    return buffer.getvalue()


def message(**changes):
    values = {
        "delivery_id": 7,
        "alert_id": "a1",
        "user_id": "telegram:42",
        "destination": "house",
        "kind": "zone_proximity",
        "severity": Severity.CRITICAL,
        "symbol": "BTCUSDT",
        "title": "BTC is 0.8% above a $42M long zone",
        "text": f"110,500–110,900: about $42M of longs.\n{LONGS}\nPrice 111,788 · 10 Oct 22:35 CEST",
        "market_ms": 1_760_128_500_000,
        "buttons": BUTTONS,
        "figures": FIGURES,
        "picture": Picture(
            png=png(), alt="BTC heatmap with the zone marked", name="liqwatch-BTCUSDT-24h.png"
        ),
    }
    return OutMessage(**values | changes)


def evil():
    """Return an alert all of whose texts somebody else wrote."""
    return message(
        title=EVIL,
        text=EVIL,
        symbol=EVIL,
        label=EVIL,
        note=EVIL,
        figures=((EVIL, EVIL),),
        picture=Picture(png=png(), alt=EVIL, name="liqwatch.png"),
    )


def oversized():
    """Return an alert that is far too long everywhere."""
    long = "überlang 🚨 " * 20_000
    return message(
        title=long, text="\n".join([long] * 3), note=long, label=long, figures=((long, long),) * 40
    )
