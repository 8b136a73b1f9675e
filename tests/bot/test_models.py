"""Models of an installation's own: what the check says of them, and what is compiled before the start."""

import pytest

from bot import warm
from bot.entry import check_settings
from bot.main import Liqwatch
from config.settings import load
from engine.errors import ConfigError
from engine.preset_file import parse_presets
from engine.presets import PRESETS


def settings_of(tmp_path, text, **more):
    (tmp_path / "models.toml").write_text(text)
    environ = {"LIQWATCH_MODELS_FILE": "models.toml", "LIQWATCH_SOURCE": "replay"} | more
    return load(environ=environ, directory=tmp_path)


def test_the_check_shows_the_file_the_usual_model_and_all_there_are(tmp_path, capsys):
    settings = settings_of(tmp_path, "[models.mine]\nbase = 'flow'\n", LIQWATCH_MODELS_USUAL="mine")
    assert check_settings(settings) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["LIQWATCH_MODELS_FILE"] == ["models.toml", "environment"]
    assert rows["LIQWATCH_MODELS_USUAL"] == ["mine", "environment"]
    assert "models: flow, leverage, simple, mine; zones and alerts use flow" in lines


@pytest.mark.parametrize("begin", [check_settings, Liqwatch])
def test_a_name_that_is_a_market_stops_check_and_start(tmp_path, begin):
    settings = settings_of(tmp_path, "[models.eth]\nbase = 'flow'\n")
    with pytest.raises(ConfigError) as caught:
        begin(settings)
    [line] = caught.value.problems
    assert line.startswith("models.eth (models.toml): in /heatmap eth already means the market ETHUSDT.")


def test_each_number_of_lifetimes_that_is_new_is_compiled_once(monkeypatch):
    def model(name, lives):
        each = ", ".join("{half_life_h = 5, amplitude = 0.1}" for _ in range(lives))
        return f"[models.{name}]\nbase = 'flow'\nlifetimes = [{each}]\n"

    fed = []

    class Noted:
        def __init__(self, preset):
            self.name = preset.name

        def feed(self, candles):
            assert len(candles) == 1
            fed.append(self.name)

    text = model("one", 1) + model("three", 3) + model("other", 3) + model("four", 4)
    monkeypatch.setattr(warm, "Heatmap", Noted)
    warm.compile_models((PRESETS | parse_presets(text, name="models.toml")).values())
    assert fed == ["three", "four"]


def test_what_compiles_a_model_is_a_candle_that_it_takes():
    heatmap = warm.Heatmap(PRESETS["leverage"])
    assert len(heatmap.feed(warm._flat()).ts) == 1
