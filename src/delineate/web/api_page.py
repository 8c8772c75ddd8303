"""The description of the API as a page lists it, from the OpenAPI document itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
# What any address may answer is said once for all.
_EVERYWHERE = ("400", "401", "403", "422", "500", "503")


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a form or document."""

    name: str
    type: str
    meaning: str
    is_needed: bool


@dataclass(frozen=True)
class Answer:
    """What comes back with one status; `schema` is the name of a document, where it is one."""

    status: str
    meaning: str
    type: str
    schema: str | None


@dataclass(frozen=True)
class Operation:
    """One address and method."""

    name: str
    method: str
    path: str
    meaning: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_type: str | None
    answers: tuple[Answer, ...]


def operations(description: Schema) -> dict[str, list[Operation]]:
    """Every operation by the first of its tags, in the order of the description."""
    found: dict[str, list[Operation]] = {}
    for path, item in description["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                tag = operation.get("tags", ["other"])[0]
                found.setdefault(tag, []).append(_operation(description, path, method, operation))
    return found


def documents(description: Schema) -> dict[str, tuple[str, tuple[Field, ...]]]:
    """What each named document means, and its fields."""
    schemas = description["components"]["schemas"]
    return {
        name: (schema.get("description", ""), tuple(_fields(schema)))
        for name, schema in schemas.items()
        if not name.startswith("Body_")
    }


def _operation(description: Schema, path: str, method: str, said: Schema) -> Operation:
    bodies = said.get("requestBody", {}).get("content", {})
    body_type = next(iter(bodies), None)
    schema = {} if body_type is None else _resolved(description, bodies[body_type]["schema"])
    return Operation(
        name=said["operationId"],
        method=method.upper(),
        path=path,
        meaning=said.get("description", ""),
        parameters=tuple(
            Field(
                each["name"],
                _type(each["schema"]),
                each.get("description", ""),
                each.get("required", False),
            )
            for each in said.get("parameters", [])
        ),
        body=tuple(_fields(schema)),
        body_type=body_type,
        answers=tuple(
            answer
            for status, each in said["responses"].items()
            if status not in _EVERYWHERE
            for answer in _answers(status, each)
        ),
    )


def _answers(status: str, said: Schema) -> Iterator[Answer]:
    meaning = said.get("description", "")
    if not said.get("content"):
        yield Answer(status, meaning, "nothing", None)
    for kind, content in said.get("content", {}).items():
        reference = content.get("schema", {}).get("$ref")
        schema = None if reference is None else _name(reference)
        yield Answer(status, meaning, kind, schema)


def _fields(schema: Schema) -> Iterator[Field]:
    needed = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        yield Field(name, _type(each), each.get("description", ""), name in needed)


def _type(schema: Schema) -> str:
    """The type of a value in words.

    Examples:
        >>> _type({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]})
        'number from 0 to 1, or null'
        >>> _type({"type": "array", "items": {"$ref": "#/components/schemas/CaseDocument"}})
        'list of CaseDocument'
    """
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "anyOf" in schema:
        return ", or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{each}"' for each in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    kind = str(schema.get("type", "anything"))
    if kind == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return "file"
    low, high = schema.get("minimum"), schema.get("maximum")
    return (
        kind
        + (f" from {low}" if low is not None else "")
        + (f" to {high}" if high is not None else "")
    )


def _resolved(description: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = description["components"]["schemas"][_name(schema["$ref"])]
    return found


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
