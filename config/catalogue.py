"""List every setting there is, by walking the sections: names, places, hints, defaults."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.fields import PREFIX, Hint, hint_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One setting: `path` is dotted (`web.port`), `env` its environment name, empty where it has none."""

    path: str
    env: str
    hint: Hint
    description: str
    default: object
    secret: bool

    @property
    def name(self) -> str:
        """Return what users are told it is called."""
        return self.env or self.path


def catalogue(model: type[BaseModel], prefix: str = "") -> tuple[Known, ...]:
    """Return the settings of a model and of the sections in it, in the order they are written."""
    found: list[Known] = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        hint = hint_of(field)
        if hint is not None:
            found.append(_known(path, field, hint))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found.extend(catalogue(field.annotation, f"{path}."))
    return tuple(found)


def _known(path: str, field: FieldInfo, hint: Hint) -> Known:
    env = hint.env or path.replace(".", "_").upper()
    return Known(
        path=path,
        env="" if hint.file_only else PREFIX + env,
        hint=hint,
        description=field.description or "",
        default=field.default,
        secret=_holds_secret(field.annotation),
    )


def _holds_secret(annotation: Any) -> bool:  # noqa: ANN401 - an annotation may be any object
    return annotation is SecretStr or any(_holds_secret(part) for part in getattr(annotation, "__args__", ()))
