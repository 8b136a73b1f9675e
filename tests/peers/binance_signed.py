"""The signed corner of Binance: margin tiers for whoever has the key, with a clock of its own."""

import hashlib
import hmac
import time

from aiohttp import web

KEY, SECRET = "k" * 64, "s" * 64


def bracket(number, floor, cap, rate, leverage, cum):
    return {
        "bracket": number,
        "initialLeverage": leverage,
        "notionalCap": cap,
        "notionalFloor": floor,
        "maintMarginRatio": rate,
        "cum": cum,
    }


BTC = [bracket(1, 0, 300_000, 0.004, 150, 0.0), bracket(2, 300_000, 800_000, 0.005, 100, 300.0)]


class Signed:
    """Serve `/fapi/v1/time` and `leverageBracket`; `ahead_ms` is the clock's error, `rows` the answer."""

    def __init__(self, *, ahead_ms=0):
        self.ahead_ms = ahead_ms
        self.rows = [{"symbol": "BTCUSDT", "brackets": BTC}, {"symbol": "1000PEPEUSDT", "brackets": BTC}]
        self.refused = []
        self.taken = 0

    def now_ms(self):
        return time.time_ns() // 1_000_000 + self.ahead_ms

    async def start(self):
        app = web.Application()
        app.router.add_get("/fapi/v1/time", self._time)
        app.router.add_get("/fapi/v1/leverageBracket", self._brackets)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def stop(self):
        await self.runner.cleanup()

    async def _time(self, _):
        return web.json_response({"serverTime": self.now_ms()})

    async def _brackets(self, request):
        signed, _, signature = request.query_string.rpartition("&signature=")
        due = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if request.headers.get("X-MBX-APIKEY") != KEY:
            return self._refuse(-2015, 401, "Invalid API-key, IP, or permissions for action.")
        if signature != due:
            return self._refuse(-1022, 400, "Signature for this request is not valid.")
        late_ms = self.now_ms() - int(request.query["timestamp"])
        if not -1000 < late_ms < int(request.query.get("recvWindow", 5000)):
            return self._refuse(-1021, 400, "Timestamp for this request is outside of the recvWindow.")
        self.taken += 1
        return web.json_response(self.rows)

    def _refuse(self, code, status, words):
        self.refused.append(code)
        return web.json_response({"code": code, "msg": words}, status=status)
