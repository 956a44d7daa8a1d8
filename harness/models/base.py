"""The base of every noun: frozen, strict about unknown keys, importing nothing of ours."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """An immutable value; unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
