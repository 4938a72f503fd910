"""The outside as Dagster configures it: each resource builds one plain thing."""

from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import dagster as dg
from pydantic import BaseModel, Field

from resources.buckets import S3Store
from resources.engines import Engine, LocalEngine
from resources.stores import FolderStore, open_store


class StoreResource(dg.ConfigurableResource):
    """Where tables and audio live."""

    root: str = Field(description="a folder, or s3://bucket/prefix")

    def build(self) -> FolderStore | S3Store:
        return open_store(self.root)


class EngineResource(dg.ConfigurableResource):
    """Where the work of a stage is done."""

    workers: int = Field(description="worker processes; each loads its models once")
    threads: int = Field(default=1, description="threads of each worker; part of what makes results repeatable")

    def build(self) -> Engine:
        return LocalEngine(self.workers, self.threads)


def launchpad(settings: BaseModel) -> dict[str, dg.Field]:
    """A room's settings as an asset's launchpad configuration, with the profile's values as defaults."""
    values = settings.model_dump(mode="json")
    return {
        name: dg.Field(
            config_type_of(getattr(settings, name), field.annotation),
            default_value=values[name],
            description=field.description,
        )
        for name, field in type(settings).model_fields.items()
    }


def config_type_of(value: Any, annotation: Any) -> Any:
    """What the launchpad lets be typed in: checked in full by the settings themselves, when the run begins."""
    if NoneType not in get_args(annotation):
        return _type_of(value, annotation)
    kind = _bare(next(each for each in get_args(annotation) if each is not NoneType))
    if kind in (bool, int, float):
        return dg.Noneable(kind)
    return dg.Noneable(str if value is None and get_origin(kind) is not Literal else _type_of(value, kind))


def _type_of(value: Any, annotation: Any) -> Any:
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return dg.Enum("_or_".join(choices), [dg.EnumValue(choice) for choice in choices])
    match value:
        case BaseModel():
            return dg.Shape(launchpad(value))
        case bool() | int() | float() | str():
            return type(value)
        case list() | tuple():
            return [type(value[0]) if value else str]
    return dg.Permissive()


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
