"""What commands are given: files that the workflow wrote, files by name, and what is asked of clips and networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vidgauge.errors import UsageError
from vidgauge.specs import Asked, Closed

if TYPE_CHECKING:
    from vidgauge.extractors.own import NetworkAsked

Model = TypeVar("Model", bound=Closed)


class NamedFile(click.ParamType):
    """NAME=FILE, a file that is there, as (name, path)."""

    name = "NAME=FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """Raises click's own error for other texts."""
        if isinstance(value, tuple):
            return value
        name, equals, file = str(value).partition("=")
        if not (name and equals and Path(file).is_file()):
            self.fail(f"{value!r}: NAME=FILE was wanted, and a file that is there", param, ctx)
        return name, Path(file)


def json_file(path: Path, *keys: str) -> Any:
    """The object of a JSON file that the workflow wrote, if it has the keys that the command reads."""
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise UsageError(f"{path}: is no JSON ({error}); a file that the workflow writes was wanted.") from None
    missing = [key for key in keys if not isinstance(found, dict) or key not in found]
    if missing:
        raise UsageError(f"{path}: lacks {', '.join(missing)}; another of the workflow's files was wanted.")
    return found


def clips_asked(spec: str) -> Asked:
    """The clips that --spec asks for."""
    return _from_json(Asked, spec, "--spec")


def network_asked(extractor: str) -> NetworkAsked:
    """The network that --extractor names."""
    from vidgauge.extractors.own import NetworkAsked

    if extractor.startswith("{"):
        return _from_json(NetworkAsked, extractor, "--extractor")
    return NetworkAsked(name=extractor)


def _from_json(model: type[Model], text: str, option: str) -> Model:
    from pydantic import ValidationError

    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc'])) or 'JSON'}: {item['msg']}" for item in error.errors())
        raise UsageError(f"{option}: {'; '.join(problems)}") from None
