"""Remember what each distance from price has held over the last weeks: hourly samples and what follows.

The first column of an hour is that hour's sample; it counts from the next hour on, so that a zone is never
judged by itself.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.model import DAY_MS, HOUR_MS, Floats

Singles = npt.NDArray[np.float32]


class Reference:
    """Hold the samples of both sides; rows are (side, distance bin) flattened, columns are hours."""

    def __init__(self, rows: int, *, days: int, quantile: float, auto_quantile: float) -> None:
        self._days = days
        self._quantile = quantile
        self._auto_quantile = auto_quantile
        self._samples: Singles = np.empty((rows, 0), np.float32)
        self._sample_ts = np.empty(0, np.int64)
        self._usd: Singles = np.empty(0, np.float32)
        self._usd_ts = np.empty(0, np.int64)
        self._hours_ts = np.empty(0, np.int64)
        self._pending: tuple[int, Singles, Singles | None] | None = None
        self.threshold: Singles = np.full(rows, np.inf, np.float32)
        self.auto_usd = float("nan")

    @property
    def hours(self) -> int:
        """Return how many hourly samples there are."""
        return int(self._sample_ts.shape[0])

    @property
    def judged_hours(self) -> int:
        """Return how many of the hours were judged, so that their zones are known."""
        return int(self._hours_ts.shape[0])

    def begin(self, ts: int, density: Floats) -> bool:
        """Take a column in; return whether it opens an hour, whose zones are then wanted by `note`."""
        hour_ts = ts // HOUR_MS * HOUR_MS
        if self._pending is not None and self._pending[0] == hour_ts:
            return False
        if self._pending is not None:
            self._push(*self._pending)
            self._trim(hour_ts - self._days * DAY_MS)
            self._judge()
        self._pending = (hour_ts, density.astype(np.float32).reshape(-1), None)
        return True

    def note(self, zone_usd: Floats) -> None:
        """Keep the dollars of the zones that stood at the hour's sample."""
        if self._pending is not None:
            self._pending = (self._pending[0], self._pending[1], zone_usd.astype(np.float32))

    def percentile(self, rows: npt.NDArray[np.int64], values: Floats) -> Floats:
        """Return where each value stands among the samples of its row, 0 to 100."""
        reached = self._samples[rows] <= values.astype(np.float32)[:, None]
        percent: Floats = np.count_nonzero(reached, axis=1) * (100.0 / max(1, self.hours))
        return percent

    def _push(self, hour_ts: int, density: Singles, zone_usd: Singles | None) -> None:
        self._samples = np.concatenate([self._samples, density[:, None]], axis=1)
        self._sample_ts = np.append(self._sample_ts, hour_ts)
        if zone_usd is not None:
            self._usd = np.concatenate([self._usd, zone_usd])
            self._usd_ts = np.concatenate([self._usd_ts, np.full(zone_usd.shape[0], hour_ts)])
            self._hours_ts = np.append(self._hours_ts, hour_ts)

    def _trim(self, oldest_ts: int) -> None:
        """Forget what is older than the window."""
        kept = int(np.searchsorted(self._sample_ts, oldest_ts))
        if kept:
            self._samples = self._samples[:, kept:].copy()
            self._sample_ts = self._sample_ts[kept:]
        kept = int(np.searchsorted(self._usd_ts, oldest_ts))
        self._usd, self._usd_ts = self._usd[kept:], self._usd_ts[kept:]
        self._hours_ts = self._hours_ts[int(np.searchsorted(self._hours_ts, oldest_ts)) :]

    def _judge(self) -> None:
        """Set the threshold of each distance and the dollars that `min=auto` asks for."""
        self.threshold = _quantile(self._samples, self._quantile)
        if self._usd.shape[0]:
            self.auto_usd = float(_quantile(self._usd[None, :], self._auto_quantile)[0])

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return everything that has to be kept, as plain values and arrays."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "samples": self._samples,
            "sample_ts": self._sample_ts,
            "usd": self._usd,
            "usd_ts": self._usd_ts,
            "hours_ts": self._hours_ts,
        }
        if self._pending is None:
            return {"pending_ts": None}, arrays
        ts, density, zone_usd = self._pending
        arrays["pending"] = density
        if zone_usd is not None:
            arrays["pending_usd"] = zone_usd
        return {"pending_ts": ts}, arrays

    def restore(self, plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take over what `state` returned."""
        self._samples, self._sample_ts = arrays["samples"], arrays["sample_ts"]
        self._usd, self._usd_ts, self._hours_ts = arrays["usd"], arrays["usd_ts"], arrays["hours_ts"]
        if plain["pending_ts"] is not None:
            self._pending = (int(plain["pending_ts"]), arrays["pending"], arrays.get("pending_usd"))
        if self.hours:
            self._judge()


def _quantile(rows: Singles, q: float) -> Singles:
    """Return the smallest value of each row that a share `q` of the row does not exceed."""
    count = rows.shape[1]
    place = max(0, int(np.ceil(q * count)) - 1)
    return np.asarray(np.partition(rows, place, axis=1)[:, place])
