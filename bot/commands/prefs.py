"""Hold what one user has set, with the installation's defaults where they have set nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.render.picture import Theme
from config.settings import AlertSettings
from engine.model import Severity

STEPS = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefs:
    """One user's settings, read from their row.

    `within` are fractions, smallest first; `critical`, `warning` and `info` say one severity's distance by
    itself, 0 for none of it, below 0 where that was never set; `quiet` is "22:00-07:00", empty for none;
    `quiet_mode` what quiet hours do (hold, silent, drop); `tz`, `symbol` and `language` are empty where never
    set.
    """

    tz: str = ""
    quiet: str = ""
    quiet_mode: str = "hold"
    daily_limit: int = 50
    cooldown_s: int = 3600
    digest_times: tuple[str, ...] = ("08:00", "20:00")
    within: tuple[float, ...] = (0.01, 0.03, 0.05)
    critical: float = -1.0
    warning: float = -1.0
    info: float = -1.0
    palette: str = "inferno"
    theme: str = "dark"
    layout: str = "auto"
    symbol: str = ""
    language: str = ""
    hysteresis: float = 0.0025

    @classmethod
    def of(cls, values: Mapping[str, Any], defaults: AlertSettings) -> Self:
        """Return the settings of a user from what is stored; a value of the wrong form counts as not set."""
        within = tuple(sorted(fraction for _, fraction in defaults.within.pairs()))
        base: dict[str, Any] = {
            "daily_limit": defaults.daily_limit,
            "cooldown_s": defaults.cooldown_s,
            "digest_times": tuple(defaults.digest_times),
            "within": within,
            "hysteresis": defaults.hysteresis,
        }
        for name, field in cls.__dataclass_fields__.items():
            value = values.get(name)
            value = tuple(value) if isinstance(value, list) else value
            wanted = type(base.get(name, field.default))
            if isinstance(value, wanted) and not isinstance(value, bool):
                base[name] = value
        return cls(**base)

    @property
    def drawing(self) -> Theme:
        """Return the theme that pictures are drawn in."""
        return Theme.LIGHT if self.theme == "light" else Theme(self.palette)

    def steps(self, within: tuple[float, ...] = ()) -> dict[Severity, float]:
        """Return which severity begins at which distance; these settings' where none are given.

        One distance is a warning; two are critical and warning; three add info.
        """
        chosen = sorted(within or self.within)[:3]
        made = dict(zip(STEPS, chosen, strict=False)) if len(chosen) > 1 else {Severity.WARNING: chosen[0]}
        if within:
            return made
        own = {Severity.CRITICAL: self.critical, Severity.WARNING: self.warning, Severity.INFO: self.info}
        made |= {severity: share for severity, share in own.items() if share >= 0}
        return {severity: made[severity] for severity in STEPS if made.get(severity, 0.0) > 0}
