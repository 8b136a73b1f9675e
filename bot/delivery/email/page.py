"""Lay an alert out as the HTML of a mail: one column, light and dark, made for mail programs.

Mail programs know tables and styles on elements; what only some know (dark colours, phones) is in one
`<style>` that the others leave out. Everything that comes from elsewhere is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.commands.lines import Line, Style
from bot.delivery.channel import Picture
from bot.delivery.links import Step
from bot.lang import N_, _, speech
from engine.model import Severity

FONT = "font-family:Inter,'Segoe UI',-apple-system,BlinkMacSystemFont,Roboto,Helvetica,Arial,sans-serif"
LONG_VALUE = 9
WIDE = 1.6
MOST_FIGURES = 4
DISCLAIMER = N_("Estimates from public data, not advice.")


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of one severity: its bar, and its word on its ground, light and dark."""

    bar: str
    word: str
    ground: str
    dark_word: str
    dark_ground: str


TONES = {
    Severity.CRITICAL: Tone("#e5484d", "#a8191f", "#fdeaea", "#ffa3a8", "#421a22"),
    Severity.WARNING: Tone("#f5a524", "#7a4a00", "#fff1d9", "#ffca70", "#3a2a10"),
    Severity.INFO: Tone("#4c8dff", "#1b4bb0", "#e8f0ff", "#a5c5ff", "#182a4d"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a mail shows. `source` is the line of a replay, `hint` what to do where there are no links."""

    severity: Severity
    symbol: str
    title: str
    lines: Sequence[Line]
    figures: Sequence[tuple[str, str]]
    steps: Sequence[Step]
    hint: str = ""
    source: str = ""
    picture: Picture | None = None
    picture_id: str = ""
    stop_url: str = ""


def html(page: Page) -> str:
    """Return a page as HTML."""
    tone = TONES[page.severity]
    rows = [
        _row(_head(page, tone), "22px 28px 0"),
        _row(_headline(page), "12px 28px 0"),
        _row(_figures(page.figures), "16px 28px 0") if page.figures else "",
        _row(_picture(page), "18px 28px 0") if page.picture else "",
        _row(_words(page.lines), "16px 28px 0"),
        _row(_steps(page.steps), "20px 28px 0") if page.steps else "",
        _row(_small(page.hint), "16px 28px 0") if page.hint else "",
        _row(_foot(page), "22px 28px 24px"),
    ]
    return (
        f'<!doctype html><html lang="{speech().code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        f"<title>{escape(page.title)}</title><style>{_style(tone)}</style></head>"
        f'<body class="ground" style="margin:0;padding:0;background:#eef0f6;{FONT}">{_preview(page)}'
        '<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="background:#eef0f6"><tr><td align="center" class="outer" style="padding:28px 12px">'
        '<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="max-width:600px;background:#ffffff;border:1px solid #dfe3ee;border-radius:14px;'
        'border-collapse:separate;overflow:hidden">'
        f'<tr><td height="5" style="height:5px;line-height:5px;font-size:0;background:{tone.bar};'
        f'border-radius:13px 13px 0 0">&nbsp;</td></tr>{"".join(rows)}'
        "</table></td></tr></table></body></html>"
    )


def _style(tone: Tone) -> str:
    return (
        ":root{color-scheme:light dark;supported-color-schemes:light dark}"
        "a{text-decoration:none}"
        "@media (max-width:480px){.outer{padding:0!important}"
        ".card{border-radius:0!important;border-left:0!important;border-right:0!important}"
        ".pad{padding-left:18px!important;padding-right:18px!important}"
        ".title{font-size:21px!important;line-height:27px!important}"
        ".figure{width:50%!important}"
        ".step{display:block!important;margin:0 0 10px!important;text-align:center!important}}"
        "@media (prefers-color-scheme:dark){.ground{background:#0a0d1a!important}"
        ".card{background:#11152a!important;border-color:#262c4a!important}"
        ".ink{color:#f4f6fc!important}.text{color:#d5daea!important}.dim{color:#a3abbf!important}"
        ".box{background:#191e38!important}.rule{border-color:#262c4a!important}"
        f".mark{{color:{tone.dark_word}!important;background:{tone.dark_ground}!important}}"
        ".source{color:#ffca70!important;background:#33270f!important}"
        ".first{color:#12162b!important;background:#f4f6fc!important;border-color:#f4f6fc!important}"
        ".next{color:#f4f6fc!important;border-color:#4a527a!important}}"
    )


def _preview(page: Page) -> str:
    """Return what lists of mails show beside the subject, hidden in the mail itself."""
    first = page.lines[0].plain if page.lines else ""
    return (
        '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;'
        f'line-height:1px;color:transparent">{escape(first)}{"&#847;&zwnj;&nbsp;" * 40}</div>'
    )


def _row(content: str, padding: str) -> str:
    return f'<tr><td class="pad" style="padding:{padding}">{content}</td></tr>'


def _head(page: Page, tone: Tone) -> str:
    """Return severity, market and where the data is from, and our name."""
    chip = "display:inline-block;font-size:12px;line-height:16px;padding:4px 10px;border-radius:99px"
    mark = (
        f'<span class="mark" style="{chip};font-weight:700;letter-spacing:.06em;color:{tone.word};'
        f'background:{tone.ground}">{page.severity.value.upper()}</span>'
    )
    symbol = (
        f'<span class="dim" style="font-size:13px;font-weight:600;color:#5b6478;padding-left:10px">'
        f"{escape(page.symbol)}</span>"
        if page.symbol
        else ""
    )
    source = (
        f'<div style="padding-top:10px"><span class="source" style="{chip};font-weight:600;color:#7a4a00;'
        f'background:#fff1d9">{escape(page.source)}</span></div>'
        if page.source
        else ""
    )
    name = '<span class="dim" style="font-size:13px;font-weight:600;color:#5b6478">Liqwatch</span>'
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td align="left">{mark}{symbol}</td><td align="right">{name}</td></tr></table>{source}'
    )


def _headline(page: Page) -> str:
    return (
        '<h1 class="ink title" style="margin:0;font-size:24px;line-height:31px;font-weight:700;'
        f'letter-spacing:-.01em;color:#12162b;overflow-wrap:anywhere">{escape(page.title)}</h1>'
    )


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    """Return the numbers side by side, long ones with more room: four in a row, two on a phone."""
    shares = [WIDE if len(value) > LONG_VALUE else 1.0 for _, value in figures]
    widths = [int(100 * share / max(sum(shares), MOST_FIGURES)) for share in shares]
    cells = "".join(
        f'<div class="figure" style="display:inline-block;vertical-align:top;width:{width}%;'
        'font-size:14px">'
        f'<div style="padding:9px 6px 9px 14px"><div class="dim" style="font-size:12px;line-height:16px;'
        f'color:#5b6478">{escape(label)}</div><div class="ink" style="font-size:16px;line-height:23px;'
        f'font-weight:650;color:#12162b;font-variant-numeric:tabular-nums">{escape(value)}</div></div></div>'
        for width, (label, value) in zip(widths, figures, strict=True)
    )
    box = "background:#f4f5fa;border-radius:10px;padding:3px 0;font-size:0"
    return f'<div class="box" style="{box}">{cells}</div>'


def _picture(page: Page) -> str:
    if page.picture is None:
        return ""
    image = (
        f'<img src="cid:{escape(page.picture_id)}" width="544" alt="{escape(page.picture.alt)}" '
        'style="display:block;width:100%;max-width:100%;height:auto;border:0;border-radius:10px;'
        'background:#0a0d1a;color:#d5daea;font-size:14px;line-height:20px">'
    )
    chart = page.steps[0].url if page.steps else ""
    return f'<a href="{escape(chart)}">{image}</a>' if chart else image


def _words(lines: Sequence[Line]) -> str:
    """Return the sentences; what is only said beside them is smaller."""
    usual = '<p class="text" style="margin:0 0 8px;font-size:15px;line-height:23px;color:#30374a;'
    small = '<p class="dim" style="margin:0 0 8px;font-size:14px;line-height:20px;color:#5b6478;'
    return "".join(
        f'{small if line.style is Style.ITALIC else usual}overflow-wrap:anywhere">{escape(line.plain)}</p>'
        for line in lines
    )


def _steps(steps: Sequence[Step]) -> str:
    """Return what to do next as buttons, the first one filled."""
    look = "display:inline-block;padding:11px 20px;margin:0 10px 10px 0;border-radius:9px;font-size:15px;"
    look += "line-height:20px;font-weight:600;"
    first = "color:#ffffff;background:#12162b;border:1px solid #12162b"
    other = "color:#12162b;border:1px solid #c3c9da"
    return "".join(
        f'<a class="step {"next" if at else "first"}" href="{escape(step.url)}" '
        f'style="{look}{other if at else first}">{escape(step.label)}</a>'
        for at, step in enumerate(steps)
    )


def _small(text: str) -> str:
    return f'<div class="dim" style="font-size:13px;line-height:20px;color:#5b6478">{escape(text)}</div>'


def _foot(page: Page) -> str:
    words = escape(_("Stop these mails"))
    stop = (
        f' <a class="dim" href="{escape(page.stop_url)}" style="color:#5b6478;text-decoration:underline">'
        f"{words}</a>"
        if page.stop_url
        else ""
    )
    return (
        '<div class="rule dim" style="border-top:1px solid #e6e9f2;padding-top:14px;font-size:12px;'
        f'line-height:18px;color:#5b6478">{escape(_(DISCLAIMER))}{stop}</div>'
    )
