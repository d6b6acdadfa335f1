"""The map for geographic programs: OGC API - Features 1.0 (Core, GeoJSON), which QGIS and GDAL read."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Blueprint, Response, json, request, url_for

from transitmap.gtfs.export import Layer
from transitmap.gtfs.export.geojson import features
from webapp import published
from webapp.errors import Problem

blueprint = Blueprint("ogc", __name__, url_prefix="/ogc")
CLASSES = ("core", "geojson", "oas30")
CONFORMS_TO = [f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{one}" for one in CLASSES]
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
LIMIT, MAX_LIMIT = 100, 10_000
GEOJSON, JSON, OPENAPI = (
    "application/geo+json",
    "application/json",
    "application/vnd.oai.openapi+json;version=3.0",
)
LAYERS = {
    "stops": (
        "Paradas / Stops",
        "Dónde paran los vehículos / Where vehicles stop",
    ),
    "routes": ("Rutas / Routes", "Todas las variantes de cada ruta / All patterns of each route"),
    "patterns": (
        "Recorridos / Patterns",
        "Cada sentido y ramal, con tiempos y evidencia / Each direction and branch, timed, with its evidence",
    ),
    "evidence": (
        "Evidencia / Evidence",
        "Tramos entre paradas con quienes los recorrieron / Ways between stops and who rode them",
    ),
}
PARAMETERS = frozenset(("bbox", "datetime", "limit", "offset", "f"))


@blueprint.get("/")
def index() -> Response:
    """What there is, and where."""
    links = [
        _link("self", "ogc.index", JSON, "transitmap"),
        _link("service-desc", "ogc.api", OPENAPI, "OpenAPI 3.0"),
        _link("conformance", "ogc.conformance", JSON, "OGC API - Features 1.0"),
        _link("data", "ogc.collections", JSON, "Capas / Collections"),
    ]
    title, description = "transitmap", "Transporte mapeado por sus usuarios / Transit mapped by its riders"
    return _answer({"title": title, "description": description, "links": links}, JSON)


@blueprint.get("/conformance")
def conformance() -> Response:
    """Which parts of the standard hold."""
    return _answer({"conformsTo": CONFORMS_TO}, JSON)


@blueprint.get("/collections")
def collections() -> Response:
    """All layers that have a geometry."""
    told = [_collection(layer) for layer in published.latest_layers() if layer.geometry]
    links = [_link("self", "ogc.collections", JSON, "Capas / Collections")]
    return _answer({"links": links, "collections": told}, JSON)


@blueprint.get("/collections/<layer>")
def collection(layer: str) -> Response:
    """One layer."""
    return _answer(_collection(_layer(layer)), JSON)


@blueprint.get("/collections/<layer>/items")
def items(layer: str) -> Response:
    """Features of a layer, a page at a time, those in a box where one is asked for."""
    if unknown := set(request.args) - PARAMETERS:
        raise Problem("bad_request", f"no parameter {', '.join(sorted(unknown))}")
    found_in = _layer(layer)
    rows = np.flatnonzero(_in_box(found_in, request.args.get("bbox", "")))
    limit = min(_whole("limit", LIMIT, 1), MAX_LIMIT)
    offset = _whole("offset", 0, 0)
    page = rows[offset : offset + limit]
    links = [_link("self", "ogc.items", GEOJSON, layer, layer=layer, **request.args)]
    if offset + limit < len(rows):
        after = {**request.args, "limit": str(limit), "offset": str(offset + limit)}
        links.append(_link("next", "ogc.items", GEOJSON, layer, layer=layer, **after))
    links.append(_link("collection", "ogc.collection", JSON, layer, layer=layer))
    told = {"type": "FeatureCollection", "numberMatched": len(rows), "numberReturned": len(page)}
    found = [_feature(found_in, one) for one in features(_rows(found_in, page))]
    return _answer({**told, "links": links, **_credit(), "features": found}, GEOJSON)


@blueprint.get("/collections/<layer>/items/<feature_id>")
def item(layer: str, feature_id: str) -> Response:
    """One feature."""
    found_in = _layer(layer)
    ids = next(iter(found_in.columns.values())).values
    if feature_id not in ids:
        raise Problem("not_found")
    (found,) = features(_rows(found_in, np.array([ids.index(feature_id)])))
    links = [
        _link("self", "ogc.item", GEOJSON, feature_id, layer=layer, feature_id=feature_id),
        _link("collection", "ogc.collection", JSON, layer, layer=layer),
    ]
    return _answer({**_feature(found_in, found), "links": links}, GEOJSON)


@blueprint.get("/api")
def api() -> Response:
    """The OpenAPI document of these addresses."""
    text = {"type": "string"}
    name = {"name": "layer", "in": "path", "required": True, "schema": text}
    feature = {"name": "feature_id", "in": "path", "required": True, "schema": text}
    box = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    asked = [
        {"name": "bbox", "in": "query", "style": "form", "explode": False, "schema": box},
        {"name": "limit", "in": "query", "schema": _count(1, MAX_LIMIT, LIMIT)},
        {"name": "offset", "in": "query", "schema": _count(0, None, 0)},
        {"name": "datetime", "in": "query", "schema": text},
    ]
    paths = {
        "/": _operation("index", JSON),
        "/conformance": _operation("conformance", JSON),
        "/collections": _operation("collections", JSON),
        "/collections/{layer}": _operation("collection", JSON, name),
        "/collections/{layer}/items": _operation("items", GEOJSON, name, *asked),
        "/collections/{layer}/items/{feature_id}": _operation("item", GEOJSON, name, feature),
    }
    info = {"title": "transitmap", "version": "1.0"}
    servers = [{"url": url_for("ogc.index", _external=True).rstrip("/")}]
    return _answer({"openapi": "3.0.3", "info": info, "servers": servers, "paths": paths}, OPENAPI)


def _count(least: int, most: int | None, usual: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "default": usual, **({"maximum": most} if most else {})}


def _operation(name: str, mimetype: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    responses = {
        "200": {"description": "OK", "content": {mimetype: {"schema": {"type": "object"}}}},
        "400": {"description": "Bad request"},
        "404": {"description": "Not found"},
    }
    return {"get": {"operationId": name, "parameters": list(parameters), "responses": responses}}


def _collection(layer: Layer) -> dict[str, Any]:
    title, description = LAYERS[layer.name]
    links = [
        _link("self", "ogc.collection", JSON, title, layer=layer.name),
        _link("items", "ogc.items", GEOJSON, title, layer=layer.name),
    ]
    if licence := _credit().get("license"):
        links.append({"rel": "license", "href": licence})
    told = {"id": layer.name, "title": title, "description": description, "itemType": "feature"}
    places = [part for parts in layer.parts for part in parts]
    if places:
        points = np.concatenate(places)
        box = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
        told["extent"] = {"spatial": {"bbox": [box], "crs": CRS84}}
    return {**told, "crs": [CRS84], "links": links}


def _layer(name: str) -> Layer:
    for layer in published.latest_layers():
        if layer.name == name and layer.geometry:
            return layer
    raise Problem("not_found")


def _rows(layer: Layer, rows: np.ndarray) -> Layer:
    """Some rows of a layer."""
    columns = {
        name: column._replace(values=[column.values[row] for row in rows])
        for name, column in layer.columns.items()
    }
    return layer._replace(columns=columns, parts=tuple(layer.parts[row] for row in rows))


def _feature(layer: Layer, feature: dict[str, Any]) -> dict[str, Any]:
    """A feature whose id is the row's alone: the layer stands in the address."""
    properties = {key: value for key, value in feature["properties"].items() if key != "layer"}
    return {**feature, "id": feature["id"].removeprefix(f"{layer.name}/"), "properties": properties}


def _in_box(layer: Layer, text: str) -> np.ndarray:
    """Which features touch the box; one whose west lies east of its east goes across the antimeridian."""
    if not text:
        return np.ones(len(layer.parts), dtype=bool)
    west, south, east, north = _box(text)
    low = np.array([np.concatenate(parts).min(axis=0) for parts in layer.parts]).reshape(-1, 2)
    high = np.array([np.concatenate(parts).max(axis=0) for parts in layer.parts]).reshape(-1, 2)
    beside = (high[:, 0] >= west) | (low[:, 0] <= east)
    within = (high[:, 0] >= west) & (low[:, 0] <= east)
    return (low[:, 1] <= north) & (high[:, 1] >= south) & (within if west <= east else beside)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError as error:
        raise Problem("bad_request", "bbox holds numbers: west,south,east,north") from error
    if len(numbers) not in (4, 6) or not all(np.isfinite(numbers)):
        raise Problem("bad_request", f"bbox has {len(numbers)} numbers, not 4: west,south,east,north")
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    if south > north:
        raise Problem("bad_request", f"bbox: south {south:g} lies north of {north:g}")
    return west, south, east, north


def _whole(name: str, usual: int, least: int) -> int:
    text = request.args.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise Problem("bad_request", f"{name} is a whole number, {least} or more")
    return int(text)


def _credit() -> dict[str, str]:
    """Whom to name and under which licence."""
    credit = published.latest_credit()
    return {"attribution": credit.attribution, "license": credit.licence_url} if credit else {}


def _link(rel: str, endpoint: str, mimetype: str, title: str, **values: str) -> dict[str, str]:
    return {"rel": rel, "type": mimetype, "title": title, "href": url_for(endpoint, _external=True, **values)}


def _answer(body: dict[str, Any], mimetype: str) -> Response:
    """The document, unless the client has it already."""
    response = Response(json.dumps(body, ensure_ascii=False), mimetype=mimetype)
    response.headers["Content-Type"] = mimetype
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)
