"""The OpenAPI 3.1 document, generated from the routes and their types; and a page that lists it."""

import inspect
import re
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from gateway.ports import HttpRoute

REF = "#/components/schemas/{name}"
JSON = "application/json"
PROBLEM = "application/problem+json"
_PARAM = re.compile(r"{(\w+)(?::[^}]*)?}")
INTRODUCTION = (
    "JSON in UTF-8; times in RFC 3339, UTC; durations in seconds; ids are UUIDv7. Errors are "
    "RFC 9457 problem details that name the field at fault. Lists answer `{items, next}`; give "
    "`next` as `cursor` for the next part. POST accepts `Idempotency-Key` for 24 hours: the same "
    "key again gets the same answer, also after a restart, with another body 422; if the first "
    "request was interrupted, 409."
)


class FieldProblem(Struct, frozen=True, kw_only=True):
    """Which input is at fault, and why."""

    field: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details; ``title`` is the error's code."""

    title: str
    status: int
    detail: str
    errors: list[FieldProblem]


def document(routes: Iterable[HttpRoute], *, version: str, url: str) -> dict[str, Any]:
    """All routes as one OpenAPI document."""
    served = sorted(routes, key=lambda r: (plain_path(r.path), r.method))
    kinds = [Problem]
    for route in served:
        kinds += [k for k in (route.takes, route.gives, route.asks) if k not in (None, bytes)]
    unique = _unique(kinds)
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    schema_of = list(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in served:
        operation = _operation(route, schema_of, components)
        paths.setdefault(plain_path(route.path), {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Switchroom", "version": version, "description": INTRODUCTION},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def plain_path(path: str) -> str:
    """``/x/{id:[0-9]+}`` as OpenAPI writes it."""
    return _PARAM.sub(r"{\1}", path)


def _unique(kinds: list[Any]) -> list[Any]:
    """Each once; not every annotation can be hashed."""
    found: list[Any] = []
    for kind in kinds:
        if kind not in found:
            found.append(kind)
    return found


Schemas = list[tuple[Any, dict[str, Any]]]


def _operation(route: HttpRoute, schemas: Schemas, components: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": [route.tag or "other"],
        "parameters": _parameters(route, schemas, components),
        "responses": _responses(route, schemas),
    }
    if route.access == "public":
        operation["security"] = []
    else:
        operation["security"] = [{"token": []}]
        operation["description"] = f"Needs the role {route.access}."
    if route.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {_media(route): {"schema": _schema(route.takes, schemas)}},
        }
    return operation


def _operation_id(route: HttpRoute) -> str:
    words = re.findall(r"\w+", plain_path(route.path).removeprefix("/api/v1"))
    return "_".join([route.method.lower(), *words])


def _media(route: HttpRoute) -> str:
    fields = getattr(route.takes, "__annotations__", {})
    return "multipart/form-data" if bytes in fields.values() else JSON


def _schema(kind: Any, schemas: Schemas) -> dict[str, Any]:
    for known, schema in schemas:
        if known is kind or known == kind:
            return schema
    return {}


def _parameters(
    route: HttpRoute, schemas: Schemas, components: Mapping[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAM.findall(route.path)
    ]
    if route.asks is not None:
        ref = _schema(route.asks, schemas).get("$ref", "")
        asked = components.get(ref.rsplit("/", 1)[-1], {})
        needed = asked.get("required", ())
        found += [
            {"name": name, "in": "query", "required": name in needed, "schema": schema}
            for name, schema in asked.get("properties", {}).items()
        ]
    if route.method == "POST" and route.access != "public":
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key})
    return found


def _responses(route: HttpRoute, schemas: Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.gives is bytes:
        binary = {"type": "string", "contentEncoding": "binary"}
        good["content"] = {route.produces: {"schema": binary}}
    elif route.gives is not None:
        good["content"] = {route.produces: {"schema": _schema(route.gives, schemas)}}
    elif route.produces != JSON:
        good["content"] = {route.produces: {"schema": {"type": "string"}}}
    problem = {"content": {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}}}
    wrong = {"description": "A problem; `errors` names the fields at fault.", **problem}
    responses = {str(route.status): good, "default": wrong}
    if route.access != "public":
        responses["401"] = {"description": "No valid token.", **problem}
        responses["403"] = {"description": f"The role {route.access} is needed.", **problem}
    return responses


def page(spec: Mapping[str, Any]) -> str:
    """A plain page of all resources, for reading; no script, nothing from elsewhere."""
    groups: dict[str, list[str]] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            row = (
                f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
                f"<td>{escape(operation['summary'])}"
                f"<small>{escape(operation.get('description', 'Public.'))}</small></td></tr>"
            )
            groups.setdefault(operation["tags"][0], []).append(row)
    tables = "".join(
        f"<h2>{escape(tag)}</h2><table>{''.join(rows)}</table>"
        for tag, rows in sorted(groups.items())
    )
    return inspect.cleandoc(_PAGE).format(
        version=escape(str(spec["info"]["version"])), about=escape(INTRODUCTION), tables=tables
    )


_PAGE = """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>Switchroom API</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
    :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
    body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
    table {{ border-collapse: collapse; width: 100%; }}
    td {{ border-top: 1px solid #8884; padding: .4rem .6rem .4rem 0; vertical-align: top; }}
    small {{ display: block; opacity: .7; }}
    </style></head><body>
    <h1>Switchroom API <small>{version}</small></h1>
    <p>{about}</p>
    <p><a href="/api/openapi.json">OpenAPI 3.1</a> · <a href="/api/asyncapi.json">AsyncAPI</a></p>
    {tables}
    </body></html>
"""
