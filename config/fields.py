"""Describe one setting: its default, what it means, what it wants and under which name it is set."""

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

PREFIX = "LIQWATCH_"


class Section(BaseModel):
    """Be one frozen group of settings; keys it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Hint:
    """Carry what the error line and the example file say about a setting.

    `wants` completes "wants ...", `example` is a value that works, `env` the name without prefix where it is
    not made of section and field, `file_only` that it is too long for the environment, `none` how no value is
    shown.
    """

    wants: str
    example: str
    env: str = ""
    file_only: bool = False
    none: str = ""


# What pydantic's own `Field` takes and returns is Any as well: the annotation beside it says the type.
def setting(default: object, description: str, hint: Hint, **limits: Any) -> Any:  # noqa: ANN401
    """Return a pydantic field that carries its hint; `limits` are pydantic's (`ge`, `le`, `pattern` ...)."""
    return Field(default=default, description=description, json_schema_extra={"hint": asdict(hint)}, **limits)


def hint_of(field: FieldInfo) -> Hint | None:
    """Return the hint that a field carries, None for a field that is a group of others."""
    extra = field.json_schema_extra
    hint = extra.get("hint") if isinstance(extra, dict) else None
    return Hint(**hint) if isinstance(hint, dict) else None  # type: ignore[arg-type]  # made by `setting`
