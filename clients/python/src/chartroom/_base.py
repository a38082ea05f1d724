"""What all objects of the service have in common."""

from pydantic import BaseModel, ConfigDict


class Shown(BaseModel):
    """Members that this version of the package does not know are kept: a newer service shows more."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())
