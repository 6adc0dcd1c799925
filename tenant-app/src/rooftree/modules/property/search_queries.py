"""Searches in the language of Elasticsearch, and its answers in ours. Pure.

Every query begins with `visible_documents`: there is no other way to read listings from the index.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from rooftree.kernel.money import exponent
from rooftree.modules.property.search import Box, Position, Range, Search, Sort, Term, terms
from rooftree.modules.property.search_definition import MAX_PREFIX
from rooftree.modules.property.search_document import Json
from rooftree.modules.property.suggestions import PLACES, Places
from rooftree.modules.property.visibility import visible_documents

# Whole currency units at which the ranges of the price facet begin.
PRICE_STEPS = (0, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000, 500_000, 750_000, 1_000_000, 2_000_000)
FACET_FIELDS = {
    "status": ("standard_status", 20),
    "type": ("property_sub_type", 20),
    "city": ("city", 20),
    "subdivision": ("subdivision_name", 20),
    "bedrooms": ("bedrooms_total", 50),
}
_FACETS = (*FACET_FIELDS, "price")
_REST = "rest"  # of the facets, which nothing is chosen of
_PLACE_FIELDS = {"city": "city", "subdivision": "subdivision_name", "postal_code": "postal_code"}
# The search itself may take this long; what it found by then would be half the truth.
TIMEOUT = "900ms"
# Around what was found in a text; no letters of any language.
_OPEN, _CLOSE = "\ue000", "\ue001"
_CELLS = 5000
# Shorter beginnings are near to everything.
FORGIVEN_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Hit:
    source: Json
    position: Position
    highlight: list[Json] | None


# -- filters ----------------------------------------------------------------------------------------------------------


def _range(field: str, bounds: Range) -> list[Json]:
    limits = {name: bound for name, bound in zip(("gte", "lte"), bounds, strict=True) if bound is not None}
    return [{"range": {field: limits}}] if limits else []


def _terms(field: str, values: tuple[str, ...]) -> list[Json]:
    return [{"terms": {field: list(values)}}] if values else []


def facet_filters(wanted: Search) -> dict[str, list[Json]]:
    """Those that facets offer, by facet."""
    return {
        "status": _terms("standard_status", wanted.statuses),
        "type": _terms("property_sub_type", wanted.sub_types),
        "city": _terms("city", wanted.cities),
        "subdivision": _terms("subdivision_name", wanted.subdivisions),
        "bedrooms": _range("bedrooms_total", wanted.bedrooms),
        "price": _range("list_price", wanted.list_price),
    }


def _other_filters(wanted: Search) -> list[Json]:
    return [
        *_terms("postal_code", wanted.postal_codes),
        *_range("bathrooms_total", (wanted.min_bathrooms, None)),
        *_range("living_area", wanted.living_area),
        *_range("year_built", wanted.year_built),
        *_places(wanted),
    ]


def _places(wanted: Search) -> Iterable[Json]:
    if wanted.box:
        yield {"geo_bounding_box": {"location": _corners(wanted.box)}}
    if wanted.near:
        center = wanted.near.center
        around = {"lat": center.latitude, "lon": center.longitude}
        yield {"geo_distance": {"distance": f"{wanted.near.radius}m", "location": around}}
    if wanted.polygon:
        ring = [[corner.longitude, corner.latitude] for corner in (*wanted.polygon, wanted.polygon[0])]
        shape = {"type": "Polygon", "coordinates": [ring]}
        yield {"geo_shape": {"location": {"shape": shape, "relation": "intersects"}}}


def _corners(box: Box) -> Json:
    return {"top": box.north, "left": box.west, "bottom": box.south, "right": box.east}


# -- words ------------------------------------------------------------------------------------------------------------


def words(text: str, *, forgiving: bool = False) -> Json:
    """What matches a text; best first if scores are asked for. `forgiving`: also words spelled nearly alike."""
    found = [_alternative(alternative, forgiving=forgiving) for alternative in terms(text)]
    return found[0] if len(found) == 1 else {"bool": {"should": found or [{"match_none": {}}]}}


def _alternative(alternative: tuple[Term, ...], *, forgiving: bool) -> Json:
    must = [_matches(term, forgiving=forgiving) for term in alternative if not term.is_negated]
    must_not = [_matches(term, forgiving=False) for term in alternative if term.is_negated]
    plain = " ".join(term.text for term in alternative if not term.is_negated)
    return {"bool": {"must": must or [{"match_all": {}}], "must_not": must_not, "should": _telling(plain)}}


def _matches(term: Term, *, forgiving: bool) -> Json:
    if term.is_phrase:
        return {"match_phrase": {"words": term.text}}
    if forgiving:
        nearly = {"query": term.text, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1}
        return {"match": {"words.spelled": nearly}}
    return {"match": {"words": {"query": term.text, "operator": "and"}}}


def _telling(plain: str) -> list[Json]:
    """Where the words count more: in key, address and place before remarks."""
    if not plain:
        return []
    return [
        {"term": {"listing_key.folded": {"value": plain, "boost": 50}}},
        {"match_phrase": {"unparsed_address": {"query": plain, "boost": 8}}},
        {"match": {"unparsed_address": {"query": plain, "boost": 4}}},
        {"match": {"subdivision_name.text": {"query": plain, "boost": 3}}},
        {"match": {"city.text": {"query": plain, "boost": 2}}},
    ]


# -- a page -----------------------------------------------------------------------------------------------------------


def page(
    wanted: Search,
    *,
    everything: bool,
    sort: Sort,
    size: int,
    after: Position | None = None,
    facets: str | None = None,
    forgiving: bool = False,
    highlighted: bool = True,
) -> Json:
    """`facets`: the currency that prices of facets are in."""
    offered = facet_filters(wanted)
    chosen = [one for filters in offered.values() for one in filters]
    filters = [*visible_documents(everything=everything, by_place=wanted.tells_the_place), *_other_filters(wanted)]
    if not facets:
        filters += chosen
    query: Json = {"filter": filters}
    if wanted.text:
        # Scores cost time: they are made only where they order the answer.
        place = query.setdefault("must", []) if sort == "relevance" else filters
        place.append(words(wanted.text, forgiving=forgiving))
    body: Json = {
        "size": size,
        "track_total_hits": True,
        "timeout": TIMEOUT,
        "query": {"bool": query},
        "sort": _order(wanted, sort),
    }
    if after is not None:
        body["search_after"] = [after.value, str(after.id)]
    if facets:
        if chosen:
            body["post_filter"] = {"bool": {"filter": chosen}}
        body["aggs"] = _facets(offered, chosen, facets)
    if wanted.text and highlighted:
        body["highlight"] = _highlight(wanted.text, forgiving=forgiving)
    return body


def _highlight(text: str, *, forgiving: bool) -> Json:
    return {
        "pre_tags": [_OPEN],
        "post_tags": [_CLOSE],
        "fields": {
            "public_remarks": {
                "number_of_fragments": 1,
                "fragment_size": 160,
                "require_field_match": False,
                "highlight_query": words(text, forgiving=forgiving),
            }
        },
    }


def exactly(wanted: Search, *, everything: bool) -> Json:
    """Whether a listing has exactly these words, whatever else is asked for: the total is 1 or 0."""
    assert wanted.text
    visible = visible_documents(everything=everything, by_place=True)
    query = {"bool": {"filter": [*visible, words(wanted.text)]}}
    return {"size": 0, "track_total_hits": 1, "terminate_after": 1, "timeout": TIMEOUT, "query": query}


def _order(wanted: Search, sort: Sort) -> list[Json]:
    direction = "desc" if sort.startswith("-") or sort == "relevance" else "asc"
    return [_key(wanted, sort, direction), {"id": direction}]


def _key(wanted: Search, sort: Sort, direction: str) -> Json:
    match sort.lstrip("-"):
        case "list_price":
            return {"list_price": direction}
        case "area":
            return {"living_area": {"order": direction, "missing": 0}}
        case "year":
            return {"year_built": {"order": direction, "missing": 0}}
        case "distance" if wanted.near:
            center = wanted.near.center
            here = {"lat": center.latitude, "lon": center.longitude}
            return {"_geo_distance": {"location": here, "order": direction, "unit": "m"}}
        case "relevance" if wanted.text:
            return {"_score": direction}
        case _:
            return {"modified": direction}


def hits(answer: Json) -> list[Hit]:
    return [
        Hit(hit["_source"], Position(hit["sort"][0], UUID(hit["sort"][1])), _marked(hit.get("highlight")))
        for hit in answer["hits"]["hits"]
    ]


def total(answer: Json) -> int:
    return answer["hits"]["total"]["value"]


def _marked(highlight: Json | None) -> list[Json] | None:
    """`a [b] c` with marks becomes three parts."""
    if not highlight:
        return None
    parts: list[Json] = []
    for piece in highlight["public_remarks"][0].split(_OPEN):
        hit, closed, rest = piece.partition(_CLOSE)
        found = [(hit, True), (rest, False)] if closed else [(hit, False)]
        parts += [{"text": text, "hit": is_hit} for text, is_hit in found if text]
    return parts


# -- facets -----------------------------------------------------------------------------------------------------------


def _facets(offered: dict[str, list[Json]], chosen: list[Json], currency: str) -> Json:
    """Each counts with the filters of all others."""
    unit = 10 ** exponent(currency)
    ends = (*PRICE_STEPS[1:], None)
    ranges = [
        {"from": start * unit} | ({} if end is None else {"to": end * unit})
        for start, end in zip(PRICE_STEPS, ends, strict=True)
    ]
    values: dict[str, Json] = {
        name: {"terms": {"field": field, "size": size}} for name, (field, size) in FACET_FIELDS.items()
    }
    values["price"] = {"range": {"field": "list_price", "ranges": ranges}}
    own = {
        name: {
            "filter": {"bool": {"filter": [one for one in chosen if one not in offered[name]]}},
            "aggs": {"values": values[name]},
        }
        for name in values
        if offered[name]
    }
    # Those of which nothing is chosen see the same listings: one pass over these counts them all.
    rest = {name: aggregation for name, aggregation in values.items() if not offered[name]}
    return own | ({_REST: {"filter": {"bool": {"filter": chosen}}, "aggs": rest}} if rest else {})


def facets(answer: Json) -> Json:
    """The fields of `Facets`."""
    counted = answer["aggregations"]
    rest = counted.get(_REST, {})
    buckets = {name: (counted[name]["values"] if name in counted else rest[name])["buckets"] for name in _FACETS}
    found: Json = {
        name: [{"value": bucket["key"], "count": bucket["doc_count"]} for bucket in buckets[name]]
        for name in FACET_FIELDS
    }
    found["bedrooms"].sort(key=lambda value: value["value"])
    ends = (*PRICE_STEPS[1:], None)
    found["price"] = [
        {"from": start, "to": end, "count": bucket["doc_count"]}
        for start, end, bucket in zip(PRICE_STEPS, ends, buckets["price"], strict=True)
    ]
    return found


# -- the map ----------------------------------------------------------------------------------------------------------


def cells(wanted: Search, *, everything: bool, precision: int, forgiving: bool = False) -> Json:
    """Counts by map tile, with the one listing of a tile that has no other."""
    body = page(wanted, everything=everything, sort="-modified", size=0, forgiving=forgiving, highlighted=False)
    body.pop("sort")
    body["aggs"] = {
        "cells": {
            "geotile_grid": {"field": "location", "precision": precision, "size": _CELLS},
            "aggs": {
                "center": {"geo_centroid": {"field": "location"}},
                "bounds": {"geo_bounds": {"field": "location"}},
                "min_price": {"min": {"field": "list_price"}},
                "first": {"top_hits": {"size": 1}},
            },
        }
    }
    return body


def cell_numbers(bucket: Json) -> Json:
    """What `map_cluster` takes."""
    _, x, y = bucket["key"].split("/")
    center, bounds = bucket["center"]["location"], bucket["bounds"]["bounds"]
    return {
        "x": x,
        "y": y,
        "count": bucket["doc_count"],
        "latitude": center["lat"],
        "longitude": center["lon"],
        "west": bounds["top_left"]["lon"],
        "south": bounds["bottom_right"]["lat"],
        "east": bounds["bottom_right"]["lon"],
        "north": bounds["top_left"]["lat"],
        "min_price": int(bucket["min_price"]["value"]),
    }


# -- suggestions ------------------------------------------------------------------------------------------------------


def suggestions(text: str, *, everything: bool, limit: int, forgiving: bool = False) -> Json:
    """Listings by address or key, and the places that begin so with their counts."""
    typed = " ".join(word[:MAX_PREFIX] for word in text.split())
    matching = {kind: _begins(_PLACE_FIELDS[kind], typed, text, forgiving=forgiving) for kind in PLACES}
    listings = [
        _begins("unparsed_address", typed, text, forgiving=forgiving),
        {"prefix": {"listing_key.folded": {"value": text, "boost": 2}}},
    ]
    visible = visible_documents(everything=everything, by_place=True)
    return {
        "size": limit,
        "timeout": TIMEOUT,
        "track_total_hits": False,
        "query": {"bool": {"filter": visible, "should": [*listings, *matching.values()], "minimum_should_match": 1}},
        "post_filter": {"bool": {"should": listings}},
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "aggs": {
            kind: {
                "filter": query,
                "aggs": {"values": {"terms": {"field": _PLACE_FIELDS[kind], "size": limit}}},
            }
            for kind, query in matching.items()
        },
    }


def _begins(field: str, typed: str, text: str, *, forgiving: bool) -> Json:
    if field == "postal_code":
        return {"prefix": {"postal_code.folded": text}}
    near: Json = {"fuzziness": "AUTO:4,8", "prefix_length": 1} if forgiving else {}
    return {"match": {f"{field}.typed": {"query": typed, "operator": "and", **near}}}


def places(answer: Json) -> Places:
    return {
        kind: [(bucket["key"], bucket["doc_count"]) for bucket in answer["aggregations"][kind]["values"]["buckets"]]
        for kind in PLACES
    }
