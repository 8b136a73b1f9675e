"""The model of a picture is chosen per request, with weights of its own; what it shows is said."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bot.commands import reference
from bot.commands.registry import check_names
from bot.commands.reply import Front
from bot.render.alt import footer
from config.settings import load
from engine.errors import ConfigError
from engine.preset_file import MAX_MODELS, parse_presets
from engine.presets import LEVERAGE, PRESETS

OWN = """
[models.mine]
base = "flow"
distances = ["1%", "2%", "5%"]
[models.ladder]
base = "leverage"
leverages = [20, 40]
weights = [0.5, 0.5]
"""


@pytest.fixture
def own(desk, with_services):
    """A desk that offers models of its own, and a function to make one of them the usual one."""

    def make(usual="flow", text=OWN):
        presets = PRESETS | parse_presets(text, name="models.toml")
        desk.commands = with_services(presets=presets, usual_model=usual)
        return presets

    make()
    return make


@pytest.mark.parametrize("line", ["/heatmap btc model=leverage", "/heatmap btc leverage"])
async def test_a_model_is_chosen_and_named(desk, line):
    reply = await desk.ok(line)
    assert desk.market.presets == [LEVERAGE]
    request = desk.pictures.requests[-1]
    assert request.model == "leverage"
    assert request.zones is None
    assert "Model leverage: standing notional, zones not judged." in reply.images[0].alt


async def test_the_usual_model_needs_no_history(desk):
    reply = await desk.ok("/heatmap btc model=flow")
    assert desk.market.presets == []
    assert "Model" not in reply.images[0].alt


async def test_weights_in_percent_or_shares(desk):
    await desk.ok("/heatmap btc model=leverage weights=10/20/30/25/15")
    await desk.ok('/heatmap eth model=simple weights=".1 .2 .3 .25 .15"')
    first, second = desk.market.presets
    assert first.weights == pytest.approx((0.1, 0.2, 0.3, 0.25, 0.15))
    assert second.weights == pytest.approx(first.weights)
    assert (first.name, second.name) == ("leverage", "simple")
    assert desk.pictures.requests[0].model == "leverage 10/20/30/25/15"


async def test_buttons_keep_the_model(desk):
    reply = await desk.ok("/heatmap btc model=leverage")
    actions = [b.action for row in reply.buttons for b in row if "3d" in b.label]
    assert actions == ["v1:heatmap:-!:BTCUSDT:3d:model=leverage"]
    await desk.press(actions[0])
    assert desk.pictures.requests[-1].model == "leverage"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/heatmap btc model=leverage weights=1/2", "has 5 levels"),
        ("/heatmap btc model=leverage weights=50/50/50/0/0", "sum to 1.5"),
        ("/heatmap btc model=leverage weights=a/b", "no weights"),
        ("/heatmap btc model=leverage weights=0/0/0/0/0", "are 0 for every level"),
        (f"/heatmap eth model=flow weights={'/'.join('0' * 17)}", "nothing would be drawn"),
        ("/heatmap btc model=clever", "flow"),
    ],
)
async def test_what_does_not_fit_is_refused_with_what_is_allowed(desk, line, problem):
    reply = await desk.say(line)
    assert problem in reply.error


async def test_a_market_without_open_interest_says_so(desk):
    desk.market.coins = math.nan
    reply = await desk.say("/heatmap btc model=leverage")
    assert "there is none for BTC" in reply.error


@pytest.mark.parametrize("window", ["12h", "24h", "7d", "30d"])
@pytest.mark.parametrize("model", ["leverage", "simple"])
async def test_a_book_that_is_not_warm_says_so_whatever_the_window(desk, model, window):
    desk.market.days = 5
    reply = await desk.ok(f"/heatmap btc {window} model={model}")
    assert "Book not warm: 5 of 14 days" in reply.images[0].alt
    assert "5.0 days of history" in footer(desk.pictures.requests[-1])


@pytest.mark.parametrize("window", ["12h", "24h", "7d", "30d"])
@pytest.mark.parametrize("days", [15, 21, 90])
async def test_all_the_history_that_a_model_is_fed_with_is_told(desk, days, window):
    desk.market.days = days
    for choice in ("model=simple", f"weights={'/'.join('1' * 17)}"):
        reply = await desk.ok(f"/heatmap btc {window} {choice}")
        assert "not warm" not in reply.images[0].alt
        assert f"{days} days of history" in footer(desk.pictures.requests[-1])


async def test_only_candles_with_open_interest_count_where_it_is_followed(desk, monkeypatch):
    desk.market.days, whole = 20, desk.market.history

    async def lately(symbol, span_ms):
        candles = await whole(symbol, span_ms)
        return replace(candles, open_interest=np.where(np.arange(len(candles)) < 10 * 288, np.nan, 1.0))

    monkeypatch.setattr(desk.market, "history", lately)
    reply = await desk.ok("/heatmap btc model=leverage")
    assert "Book not warm: 10 of 14 days" in reply.images[0].alt


async def test_weights_of_many_levels_are_counted_where_there_is_little_room(desk):
    first, second = "/".join("1" * 17), "/".join("1" * 16 + "2")
    reply = await desk.ok(f"/heatmap btc weights={first}")
    assert "Model flow, 17 own weights: expected liquidations, zones not judged." in reply.images[0].alt
    assert desk.pictures.requests[-1].model == "flow, 17 own weights"
    await desk.ok(f"/heatmap btc weights={second}")
    one, other = desk.pictures.requests
    assert one.what != other.what, "alike in words, but not the same picture"
    assert len(desk.market.presets) == 2


def test_every_shipped_model_can_be_chosen(desk):
    heatmap = desk.commands.registry.find("heatmap")
    assert set(heatmap.parameter("model").choice_values()) == set(PRESETS)


@pytest.mark.parametrize(
    "line", ["/heatmap btc model=mine", "/heatmap btc mine", "/heatmap btc model=MINE 12h"]
)
async def test_a_model_of_ones_own_is_drawn_under_its_name(desk, own, line):
    reply = await desk.ok(line)
    assert desk.market.presets == [own()["mine"]]
    assert desk.pictures.requests[-1].model == "mine"
    assert "Model mine: expected liquidations, zones not judged." in reply.images[0].alt
    assert "model mine" in footer(desk.pictures.requests[-1])


async def test_weights_are_of_the_model_s_own_levels(desk, own):
    await desk.ok("/heatmap btc model=ladder weights=60/40")
    [preset] = desk.market.presets
    assert preset.weights == pytest.approx((0.6, 0.4))
    assert desk.pictures.requests[-1].model == "ladder 60/40"
    refused = await desk.say("/heatmap btc model=mine weights=60/40")
    assert "mine has 3 levels (1.00% 2.00% 5.00% from entry), and 2 weights were given" in refused.error


async def test_the_levels_of_a_long_ladder_are_not_all_told(desk, own):
    own(text=f"[models.fine]\nbase = 'flow'\ndistances = {[i / 1000 for i in range(1, 65)]}\n")
    refused = await desk.say("/heatmap btc model=fine weights=1/2")
    assert "fine has 64 levels (0.10% 0.20%" in refused.error
    assert "1.70% … from entry)" in refused.error


@pytest.mark.parametrize("front", Front)
async def test_every_front_offers_them_beside_the_shipped_ones(desk, own, front, me):
    [entry] = [e for e in desk.commands.catalogue(front) if e["name"] == "heatmap"]
    [model] = [p for p in entry["parameters"] if p["name"] == "model"]
    assert [value for value, _ in model["choices"]] == [*PRESETS, "mine", "ladder"]
    assert dict(model["choices"])["ladder"] == "ladder: of this installation, from open interest"
    assert desk.commands.complete("/heatmap btc model=mi", front=front) == ["/heatmap btc model=mine"]
    help_ = await desk.ok("/help heatmap")
    assert (
        "one of flow, leverage, simple, mine or ladder; flow if left out" in dict(help_.table.rows)["model"]
    )


async def test_a_name_that_is_almost_one_is_offered(desk, own):
    reply = await desk.say("/heatmap btc model=ladde")
    assert "model is flow, leverage, simple, mine or ladder" in reply.error
    await desk.press(reply.buttons[0][0].action)
    assert desk.pictures.requests[-1].model == "ladder"


async def test_the_usual_model_is_drawn_where_none_is_asked_for(desk, own):
    presets = own("mine")
    reply = await desk.ok("/heatmap btc")
    assert desk.market.presets == [presets["mine"]]
    assert "Model mine: expected liquidations" in reply.images[0].alt
    actions = {b.label: b.action for row in reply.buttons for b in row}
    assert actions["7d"] == "v1:heatmap:-!:BTCUSDT:7d"
    await desk.press(actions["7d"])
    assert desk.pictures.requests[-1].model == "mine"
    reply = await desk.ok("/heatmap btc weights=1/2/3")
    assert desk.pictures.requests[-1].model == "mine 1/2/3"


async def test_flow_is_asked_for_by_name_where_it_is_not_the_usual_one(desk, own):
    own("ladder")
    reply = await desk.ok("/heatmap btc model=flow")
    assert desk.market.presets == []
    assert "Model" not in reply.images[0].alt
    actions = {b.label: b.action for row in reply.buttons for b in row}
    assert actions["3d"] == "v1:heatmap:-!:BTCUSDT:3d:model=flow"
    await desk.press(actions["3d"])
    assert desk.pictures.requests[-1].model == "flow"


async def test_a_usual_model_without_open_interest_names_the_way_out(desk, own):
    own("ladder")
    desk.market.coins = math.nan
    reply = await desk.say("/heatmap eth")
    assert "ladder follows open interest, and there is none for ETH" in reply.error
    assert reply.example == "/heatmap eth model=flow"
    await desk.ok(reply.example)


async def test_the_longest_list_has_room_in_every_chat(desk, own):
    own(text="".join(f"[models.{'m' * 20}-{i}]\nbase = 'flow'\n" for i in range(MAX_MODELS)))
    model = desk.commands.registry.find("heatmap").parameter("model")
    assert len(model.choices) == 25
    assert max(len(choice.label) for choice in model.choices) <= 100
    reply = await desk.ok(f"/heatmap btc 12h model={'m' * 20}-9")
    assert [b.label for b in reply.buttons[0]] == ["12h", "24h", "3d", "7d", "30d"]


def test_the_reference_page_knows_the_shipped_models_alone(desk, own):
    assert "ladder" in desk.commands.registry.find("heatmap").parameter("model").choice_values()
    assert "; one of flow, leverage or simple; flow if left out |" in reference.page()


def named(tmp_path, *names):
    """Return settings with models of these names."""
    (tmp_path / "models.toml").write_text("".join(f"[models.{n}]\nbase = 'flow'\n" for n in names))
    return load(environ={"LIQWATCH_MODELS_FILE": "models.toml"}, directory=tmp_path)


def test_a_name_that_means_something_else_in_the_command_is_refused(tmp_path):
    check_names(named(tmp_path, "mine", "btc-fine", "longs"))
    with pytest.raises(ConfigError) as caught:
        check_names(named(tmp_path, "long", "auto", "share", "btc", "bitcoin", "mine"))
    lines = caught.value.problems
    assert lines[0] == (
        "models.long (models.toml): in /heatmap long already means its side. "
        "Call the model otherwise, such as my-long."
    )
    assert [line.split("already means ")[1].split(".")[0] for line in lines] == [
        "its side",
        "its layout",
        "its share",
        "the market BTCUSDT",
        "the market BTCUSDT",
    ]
