"""A file of models and the usual one are settings: what is wrong stops the start with clear lines."""

from pathlib import Path

import pytest

from config.settings import Settings, load
from engine.errors import ConfigError
from engine.presets import PRESETS

FILE = '[models.mine]\nbase = "flow"\nwarm_days = 9\n'


def loaded(tmp_path, text=FILE, environ=None, **more):
    if text is not None:
        (tmp_path / "models.toml").write_text(text)
        environ = {"LIQWATCH_MODELS_FILE": "models.toml"} | (environ or {})
    return load(environ=environ or {}, directory=tmp_path, **more)


def problems(tmp_path, text=FILE, environ=None, **more):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text, environ, **more)
    return caught.value.problems


def test_without_a_file_there_are_the_shipped_ones(tmp_path):
    settings = loaded(tmp_path, None)
    assert settings.presets == PRESETS == Settings().presets
    assert (settings.models.file, settings.models.usual) == (None, "flow")
    assert loaded(tmp_path, None, {"LIQWATCH_MODELS_FILE": " "}).models.file is None


def test_models_of_a_file_stand_after_the_shipped_ones(tmp_path):
    settings = loaded(tmp_path, environ={"LIQWATCH_MODELS_USUAL": " Mine "})
    assert list(settings.presets) == [*PRESETS, "mine"]
    assert settings.presets["mine"].warm_days == 9
    assert settings.models.usual == "mine"
    assert settings.origin("models.file") == "environment"


def test_the_file_may_be_named_in_yaml_and_anywhere(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "own.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(FILE)
    (tmp_path / "liqwatch.yaml").write_text(f"models: {{file: {elsewhere}, usual: mine}}\n")
    assert loaded(tmp_path, None).presets["mine"].name == "mine"


def test_a_broken_file_stops_the_start_with_its_own_lines(tmp_path):
    lines = problems(tmp_path, '[models.mine]\nbase = "flow"\nreech = 1\nwarm_days = 99\n')
    file = tmp_path / "models.toml"
    assert lines == [
        f"models.mine.reech ({file}): there is no such key. Did you mean reach?",
        f"models.mine.warm_days=99 ({file}): wants 1 to 60 days, such as 7",
    ]


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path):
    [line] = problems(tmp_path, None, {"LIQWATCH_MODELS_FILE": "none.toml"})
    gone = tmp_path / "none.toml"
    told = "does not exist. Name a TOML file of models, or remove it."
    assert line == f"LIQWATCH_MODELS_FILE (environment): {gone} {told}"
    [line] = problems(tmp_path, None, {"LIQWATCH_MODELS_FILE": "."})
    assert "does not exist" in line
    [line] = problems(tmp_path, "#" * 300_000)
    assert "is larger than 256 KiB" in line


def test_a_file_that_this_user_may_not_read(tmp_path, monkeypatch):
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == "models.toml":
            raise PermissionError(path)
        return opened(path, *args, **kwargs)

    (tmp_path / "models.toml").write_text(FILE)
    monkeypatch.setattr(Path, "open", refuse)
    [line] = problems(tmp_path, None, {"LIQWATCH_MODELS_FILE": "models.toml"})
    assert line.endswith("models.toml cannot be read. Name a TOML file this user may read.")


def test_a_usual_model_that_there_is_not(tmp_path):
    [line] = problems(tmp_path, environ={"LIQWATCH_MODELS_USUAL": "mien"})
    assert line == ("LIQWATCH_MODELS_USUAL='mien' (environment): there is no such model. Did you mean mine?")
    [line] = problems(tmp_path, None, {"LIQWATCH_MODELS_USUAL": "zz"})
    assert line.endswith("there is no such model. It may be flow, leverage, simple.")
    [line] = problems(tmp_path, None, {"LIQWATCH_MODELS_USUAL": ""})
    assert line.startswith("LIQWATCH_MODELS_USUAL='' (environment): wants the name of a model")


def test_the_file_and_other_settings_are_told_at_once(tmp_path):
    lines = problems(tmp_path, "[models.flow]\nbase = 'flow'\n", {"LIQWATCH_PORT": "x"})
    assert lines[0].startswith("LIQWATCH_PORT='x'")
    assert lines[1].startswith("models.flow (")


def test_values_that_are_no_text_are_refused_once(tmp_path):
    (tmp_path / "liqwatch.yaml").write_text("models: {file: 5, usual: [flow]}\n")
    lines = problems(tmp_path, None)
    assert [line.partition("=")[0] for line in lines] == ["models.file", "models.usual"]
