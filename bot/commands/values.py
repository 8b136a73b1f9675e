"""Turn one typed word into the value of a parameter, and say what a word looks like on its own."""

import re
from collections.abc import Callable

from rapidfuzz import fuzz, process

from bot.commands import amounts, symbols, timezones, venues_asked, words
from bot.commands.amounts import quoted
from bot.commands.spec import Kind, NearMiss, Parameter, Provider, Value
from bot.commands.symbols import Markets
from bot.lang import _
from engine.errors import UserError

YES = frozenset({"true", "yes", "on", "1", "y"})
NO = frozenset({"false", "no", "off", "0", "n"})
PLACES = ("email", "webhook", "apprise")
"""Kinds of channel that may be named as a place."""
MAX_TEXT = 400
MAX_WORDS = 700
MAX_WORD = 80

_FORM: dict[Kind, re.Pattern[str]] = {
    Kind.USD: re.compile(
        r"\$[\d.,'_]+[a-z]{0,8}|[\d.,'_]+[a-z]{1,8}\$?|[\d,']{4,}\$?|\$?[\d.,]+e[+-]?\d{1,2}\$?", re.I
    ),
    Kind.DURATION: re.compile(r"\d[\d.,a-z]*[a-z]", re.I),
    Kind.PERCENT: re.compile(r"[\d.,]+%"),
    Kind.PERCENTS: re.compile(r"[\d.,;/|%]+%|[\d.]+[,;/|][\d.,;/|]+|0?[.,]\d+"),
    Kind.ID: re.compile(r"#?\d{1,18}"),
    Kind.INTEGER: re.compile(r"\d{1,6}"),
    Kind.NUMBER: re.compile(r"\d+(\.\d+)?x?", re.I),
    Kind.PRICE: re.compile(r"\$?(\d[\d,']*(\.\d+)?|\.\d+)(e[+-]?\d{1,2}|[a-z]{1,8})?", re.I),
    Kind.LEVERAGE: re.compile(r"x?\d{1,4}(\.\d{1,2})?[x×]?", re.I),
    Kind.HOURS: re.compile(r"\d[\dapmh:.]*(-|–|—|\.\.)\d[\dapmh:.]*", re.I),
    Kind.TIMES: re.compile(r"\d[\dapm:,;/|]*", re.I),
    Kind.VENUES: venues_asked.FORM,
    Kind.PLACE: re.compile(r"dm|here|e-?mail|webhook|apprise", re.I),
    Kind.MOMENT: re.compile(r"[+\-−]\d[\da-z]*|[\dtz:\-]+", re.I),
}
"""What a word of a kind looks like at a glance; each is linear, whatever is typed."""
LOOSE = (Kind.SYMBOL, Kind.TIME_ZONE, Kind.TEXT, Kind.WORDS)
"""Kinds that almost any word could be: they take what nothing stricter took."""


def looks_like(parameter: Parameter, text: str) -> bool:
    """Say whether a word, on its own, has the form of this parameter's values."""
    low = text.lower()
    if low in parameter.words:
        return True
    match parameter.kind:
        case Kind.BOOL:
            return low == parameter.name or low in parameter.aliases
        case Kind.CHOICE:
            return low in parameter.choice_values()
        case Kind.SYMBOL:
            return symbols.LOOKS_LIKE.fullmatch(text) is not None
        case Kind.TEXT | Kind.WORDS | Kind.TIME_ZONE:
            return True
        case _:
            return _has_form(parameter, text)


def _has_form(parameter: Parameter, text: str) -> bool:
    """Say whether a word has the form of a strict kind, and reads as one."""
    if len(text) > MAX_WORD or _FORM[parameter.kind].fullmatch(text) is None:
        return False
    if parameter.kind is Kind.DURATION and re.fullmatch(r"[\d.,]+M", text):
        return False  # a capital M is money: nobody writes minutes so
    try:
        _READERS[parameter.kind](parameter, text, Markets())
    except UserError:
        return False
    return True


def read(parameter: Parameter, text: str, markets: Markets) -> Value:
    """Return the value of a parameter from one typed word. Raise UserError that says what would have worked.

    `markets` says which symbols there are.
    """
    low = text.strip().lower()
    if low in parameter.words:
        return low
    if not low:
        raise UserError(_("{name} is empty. {hint}").format(name=parameter.name, hint=_try(parameter)))
    if len(low) > MAX_WORD and parameter.kind not in (Kind.TEXT, Kind.WORDS):
        raise UserError(
            _("{text} is too long for {name}. {hint}").format(
                text=quoted(text), name=parameter.name, hint=_try(parameter)
            )
        )
    value = _READERS[parameter.kind](parameter, text.strip(), markets)
    _in_range(parameter, value)
    return value


def _in_range(parameter: Parameter, value: Value) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        low, high = parameter.low, parameter.high
        if (low is not None and number < low) or (high is not None and number > high):
            raise UserError(
                _("{name} {value} is out of range: {limits}.").format(
                    name=parameter.name, value=show(parameter, number), limits=limits(parameter)
                )
            )


def limits(parameter: Parameter) -> str:
    """Return the range of a parameter in words: "1 hour to 30 days"; empty where there is none."""
    low, high = parameter.low, parameter.high
    if low is not None and high is not None:
        return _("{value} to {value2}").format(value=show(parameter, low), value2=show(parameter, high))
    if low is not None:
        return _("{value} or more").format(value=show(parameter, low))
    return "" if high is None else _("{value} or less").format(value=show(parameter, high))


def show(parameter: Parameter, value: Value) -> str:
    """Return a value in full words, so that the user sees what was understood."""
    if isinstance(value, tuple):
        return words.joined([show(parameter, v) for v in value])
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, int | float):
        return _SHOWN.get(parameter.kind, _plain_number)(value)
    return "" if value is None else str(value)


def _plain_number(value: float) -> str:
    return f"{value:,.10g}"


_SHOWN: dict[Kind, Callable[[float], str]] = {
    Kind.USD: words.usd_full,
    Kind.PRICE: lambda price: f"${price:,.10g}",
    Kind.LEVERAGE: lambda leverage: f"{leverage:g}x",
    Kind.DURATION: lambda ms: words.duration(int(ms)),
    Kind.PERCENT: words.percent,
    Kind.PERCENTS: words.percent,
}


def typed(parameter: Parameter, value: Value) -> str:
    """Return a value the way it is typed, so that reading it again gives the same."""
    if isinstance(value, tuple):
        return ",".join(typed(parameter, v) for v in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        match parameter.kind:
            case Kind.DURATION:
                return words.duration_short(int(value))
            case Kind.PERCENT | Kind.PERCENTS:
                return f"{value * 100:.6f}".rstrip("0").rstrip(".") + "%"
            case _:
                return f"{value:.15g}"
    return "" if value is None else str(value)


def _symbol(_: Parameter, text: str, markets: Markets) -> Value:
    return symbols.resolve(text, markets)


def _duration(parameter: Parameter, text: str, _unused: Markets) -> Value:
    if not re.fullmatch(r"\d{1,6}", text):
        return amounts.read_duration(text)
    meant = {f"{text}{unit}": amounts.read_duration(f"{text}{unit}") for unit in "mhd"}
    fits = {short: ms for short, ms in meant.items() if (parameter.low or 1) <= ms <= (parameter.high or ms)}
    if not fits:
        raise UserError(
            _("{name} is {limits}, not {text} of anything. {hint}").format(
                name=parameter.name, limits=limits(parameter), text=text, hint=_try(parameter)
            )
        )
    told = words.joined([words.duration(ms) for ms in fits.values()], last="or")
    raise NearMiss(_("{text} what? It could be {what}.").format(text=text, what=told), lines=tuple(fits))


def _choice(parameter: Parameter, text: str, _unused: Markets) -> Value:
    values = parameter.choice_values()
    plain = text.lower().replace(" ", "_")
    by_label = {choice.label.lower(): choice.value for choice in parameter.choices}
    if plain in values or text.lower() in by_label:
        return plain if plain in values else by_label[text.lower()]
    near = process.extractOne(plain, values, scorer=fuzz.ratio, score_cutoff=60)
    offered = words.joined(list(values[:8]), last="or")
    if near:
        raise NearMiss(
            _("{name} is {offered}, not {text}. Did you mean {near}?").format(
                name=parameter.name, offered=offered, text=quoted(text), near=near[0]
            ),
            lines=(near[0],),
        )
    raise UserError(
        _("{name} is {offered}, not {text}.").format(name=parameter.name, offered=offered, text=quoted(text))
    )


def _place(parameter: Parameter, text: str, _unused: Markets) -> Value:
    low = text.lower().lstrip("#").replace("e-mail", "email")
    by_label = {choice.label.lower(): choice.value for choice in parameter.choices}
    if low in (*parameter.choice_values(), *PLACES) or re.fullmatch(r"[0-9]{1,18}", low):
        return low
    if text.lower() in by_label:
        return by_label[text.lower()]
    offered = words.joined([*parameter.choice_values(), _("the number of a channel of yours")], last="or")
    raise UserError(
        _("{name} is {offered}, not {text}; /channels list shows yours.").format(
            name=parameter.name, offered=offered, text=quoted(text)
        )
    )


def _bool(parameter: Parameter, text: str, _unused: Markets) -> Value:
    low = text.lower()
    if low in YES or low == parameter.name:
        return True
    if low in NO:
        return False
    raise UserError(_("{name} is on or off, not {text}.").format(name=parameter.name, text=quoted(text)))


def _whole(parameter: Parameter, text: str, _unused: Markets) -> Value:
    plain = text.removeprefix("#") if parameter.kind is Kind.ID else text.replace(",", "")
    if re.fullmatch(r"\d{1,18}", plain) and plain.isascii():
        return int(plain)
    if parameter.suggest is Provider.CHANNELS:
        raise UserError(
            _("{text} is not the number of a channel; /channels list shows yours.").format(text=quoted(text))
        )
    if parameter.kind is Kind.ID:
        raise UserError(
            _("{text} is not the number of an alert; /alert list shows yours.").format(text=quoted(text))
        )
    raise UserError(_("{name} is a whole number, not {text}.").format(name=parameter.name, text=quoted(text)))


def _number(parameter: Parameter, text: str, _unused: Markets) -> Value:
    plain = text.lower().removesuffix("x").replace(",", "")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", plain) and plain.isascii():
        return float(plain)
    raise UserError(
        _("{name} is a number, not {text}. {hint}").format(
            name=parameter.name, text=quoted(text), hint=_try(parameter)
        )
    )


def _price(parameter: Parameter, text: str, _unused: Markets) -> Value:
    try:
        return amounts.read_usd(text)
    except UserError:
        if text.endswith("%"):
            told = _("{text} is a share; {name} is wanted as the price itself.").format(
                text=quoted(text), name=parameter.name
            )
            raise UserError(f"{told} {_try(parameter)}") from None
        raise UserError(
            _("{text} is not a price. {hint}").format(text=quoted(text), hint=_try(parameter))
        ) from None


def _leverage(parameter: Parameter, text: str, _unused: Markets) -> Value:
    match = re.fullmatch(r"x?([0-9]{1,4}(\.[0-9]{1,2})?)[x×]?", text.lower())
    if match is None:
        raise UserError(
            _("{name} is like 10x, not {text}. {hint}").format(
                name=parameter.name, text=quoted(text), hint=_try(parameter)
            )
        )
    return float(match[1])


def _moment(parameter: Parameter, text: str, _unused: Markets) -> Value:
    plain = text.strip().upper().removesuffix("UTC").removesuffix("Z").strip()
    if plain[:1] in "+-−" and plain:
        sign = "+" if plain[0] == "+" else "-"
        return sign + words.duration_short(amounts.read_duration(plain[1:]))
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})?(?:[T ]?(\d{1,2}:\d{2})(?::\d{2})?)?", plain)
    if match is None or not plain:
        raise UserError(
            _("{text} is not a time in the recording. {hint}").format(text=quoted(text), hint=_try(parameter))
        )
    clock = amounts.read_clock(match[2]) if match[2] else "00:00"
    return f"{match[1]}T{clock}" if match[1] else clock


def _text(_unused: Parameter, text: str, __: Markets) -> Value:
    if len(text) > MAX_TEXT:
        raise UserError(
            _("That is {count} characters; {max_text} is the most.").format(
                count=len(text), max_text=MAX_TEXT
            )
        )
    return text


def _words(_unused: Parameter, text: str, __: Markets) -> Value:
    if len(text) > MAX_WORDS:
        raise UserError(
            _("That is {count} characters; {max_words} is the most.").format(
                count=len(text), max_words=MAX_WORDS
            )
        )
    return text


def _try(parameter: Parameter) -> str:
    return (
        _("Try {list}.").format(list=words.joined(list(parameter.examples[:2]), last="or"))
        if parameter.examples
        else ""
    )


_READERS: dict[Kind, Callable[[Parameter, str, Markets], Value]] = {
    Kind.SYMBOL: _symbol,
    Kind.USD: lambda _, text, __: amounts.read_usd(text),
    Kind.DURATION: _duration,
    Kind.PERCENT: lambda _, text, __: amounts.read_percent(text),
    Kind.PERCENTS: lambda _, text, __: amounts.read_percents(text),
    Kind.ID: _whole,
    Kind.INTEGER: _whole,
    Kind.NUMBER: _number,
    Kind.PRICE: _price,
    Kind.LEVERAGE: _leverage,
    Kind.CHOICE: _choice,
    Kind.BOOL: _bool,
    Kind.TIME_ZONE: lambda _, text, __: timezones.resolve(text),
    Kind.HOURS: lambda _, text, __: amounts.read_hours(text),
    Kind.TIMES: lambda _, text, __: amounts.read_times(text),
    Kind.VENUES: lambda _, text, markets: venues_asked.read(text, markets.venues),
    Kind.PLACE: _place,
    Kind.MOMENT: _moment,
    Kind.TEXT: _text,
    Kind.WORDS: _words,
}
