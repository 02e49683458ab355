"""What the options of a search have in common: they are read from a user, and a mistake is one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from balmer.errors import ConfigError

__all__ = ["Settings"]

M = TypeVar("M", bound="Settings")


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @classmethod
    def read(cls: type[M], options: Mapping[str, Any]) -> M:
        """From options given by a user.

        Raises
        ------
        ConfigError
            One sentence that names the option, what was found and what is accepted.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            if first["type"] == "extra_forbidden":
                raise ConfigError(
                    f"there is no option {name!r}; known are {', '.join(cls.model_fields)}"
                ) from None
            text = re.sub("^Value error, ", "", first["msg"])
            raise ConfigError(f"option {name} = {first['input']!r}: {text}") from None
