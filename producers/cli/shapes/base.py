"""What every shape has."""

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of all: there are no other fields."""

    model_config = ConfigDict(extra="forbid")
