"""What the local Hyperliquid answers to `POST /info`: shapes, weights, refusals, faults on demand."""

import asyncio
import json
import re
from dataclasses import dataclass, field

from aiohttp import web

MALFORMED = "Failed to deserialize the JSON body into the target type"
LIGHT = ("l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus")
PER_ITEM = {
    "candleSnapshot": 60,
    "recentTrades": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
}
NEEDS = {
    "meta": {},
    "metaAndAssetCtxs": {},
    "allMids": {},
    "exchangeStatus": {},
    "l2Book": {"coin": str},
    "recentTrades": {"coin": str},
    "candleSnapshot": {"req": dict},
    "fundingHistory": {"coin": str, "startTime": int},
    "clearinghouseState": {"user": str},
    "userFills": {"user": str},
    "userFillsByTime": {"user": str, "startTime": int},
    "vaultDetails": {"vaultAddress": str},
}
CANDLE_REQUEST = {"coin": str, "interval": str, "startTime": int, "endTime": int}


@dataclass
class Fault:
    """What happens to the next calls of a type ("*" for any)."""

    kind: str
    status: int = 0
    body: str = ""
    headers: dict = field(default_factory=dict)
    stall_s: float = 0.0
    drop: bool = False
    times: int = 1


class Info:
    """The half of the server that answers calls."""

    def refuse(self, status, body="", *, kind="*", times=1, **headers):
        """Refuse the next calls."""
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        self.faults.append(Fault(kind, status, body, named, times=times))

    def stall(self, seconds, *, kind="*", times=1):
        """Take long over the next calls."""
        self.faults.append(Fault(kind, stall_s=seconds, times=times))

    def drop(self, *, kind="*", times=1):
        """Break the line at the next calls."""
        self.faults.append(Fault(kind, drop=True, times=times))

    async def _info(self, request):
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.Response(status=422, text=MALFORMED)
        self.asked.append(body)
        kind = body.get("type") if isinstance(body, dict) else None
        fault = self._fault(kind)
        if fault is not None:
            await asyncio.sleep(fault.stall_s)
            if fault.drop:
                request.transport.abort()
                raise asyncio.CancelledError
            if fault.status:
                return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        if request.content_type != "application/json" or not _fits(body, kind, self.intervals):
            return web.Response(status=422, text=MALFORMED)
        return self._answer(kind, body)

    def _answer(self, kind, body):
        try:
            found = getattr(self.world, _snake(kind))(body)
        except self.unknown:
            self.weight.take(20)
            return web.Response(status=500, text="null", content_type="application/json")
        items = len(found) if kind in PER_ITEM else 0
        cost = (2 if kind in LIGHT else 20) + (-(-items // PER_ITEM[kind]) if items else 0)
        if not self.weight.take(cost):
            return web.Response(status=429, text="null", content_type="application/json")
        return web.json_response(self._odd(found))

    def _fault(self, kind):
        for fault in self.faults:
            if fault.kind in (kind, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _odd(self, found):
        """Return it with fields that nobody has heard of, where wanted."""
        if not self.odd_fields:
            return found
        if isinstance(found, dict):
            return {key: self._odd(value) for key, value in found.items()} | {"aNewField": {"x": [1, None]}}
        return [self._odd(each) for each in found] if isinstance(found, list) else found


def _snake(kind):
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", kind)


def _fits(body, kind, intervals):
    """Say whether a body has the type and fields that the venue deserialises."""
    if not isinstance(kind, str) or kind not in NEEDS:
        return False
    wanted = [(body, NEEDS[kind])]
    if kind == "candleSnapshot" and isinstance(body.get("req"), dict):
        wanted.append((body["req"], CANDLE_REQUEST))
        if body["req"].get("interval") not in intervals:
            return False
    return all(isinstance(found.get(name), of) for found, names in wanted for name, of in names.items())
