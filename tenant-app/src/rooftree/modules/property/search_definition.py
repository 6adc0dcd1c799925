"""The search index as data: how listings are analysed and stored. Pure.

A changed definition has another `digest`; at the next start the index is then rebuilt beside the old one. Shards and
replicas come from the index template that the operator made for this tenant.
"""

import json
from hashlib import sha256
from typing import Any

from rooftree.modules.property.domain import HIDDEN_STATUSES

NAME = "properties"
# Raise it when documents are made otherwise without a change of the mapping.
DOCUMENTS = 1
MAX_PREFIX = 20
# A few long texts must not fail a document: longer values cannot be filtered by.
_MAX_KEYWORD = 512
# What agents write for what is written out elsewhere; looked up in what is asked, not in what is stored.
SYNONYMS = (
    "br, brs, bd, bds, bdrm, bdrms, bed, beds, bedroom, bedrooms",
    "ba, bath, baths, bathroom, bathrooms",
    "sqft, sq ft, sf, square feet, square foot",
    "apt, apartment, apartments",
    "condo, condos, condominium, condominiums",
    "townhouse, townhome, townhomes, town house, town home",
    "house, home, residence",
    "garage, gar, carport",
    "basement, bsmt",
    "fireplace, fp",
    "hardwood, hdwd",
    "stainless steel, ss",
    "washer dryer, wd",
    "homeowners association, hoa",
    "approximately, approx",
    "street, st",
    "avenue, ave, av",
    "road, rd",
    "drive, dr",
    "lane, ln",
    "court, ct",
    "circle, cir",
    "place, pl",
    "boulevard, blvd",
    "parkway, pkwy",
    "highway, hwy",
    "terrace, ter",
    "trail, trl",
    "square, sq",
    "mount, mt",
    "heights, hts",
    "north, n",
    "south, s",
    "east, e",
    "west, w",
    "northeast, ne",
    "northwest, nw",
    "southeast, se",
    "southwest, sw",
)
_FOLDED = ["lowercase", "asciifolding"]
SETTINGS: dict[str, Any] = {
    # A change is found within a second. Given explicitly, it also holds while nobody searches.
    "refresh_interval": "1s",
    # What is deleted here was deleted by mistake and may be written again at once: what nobody may see stays as a
    # document with its version, so no memory of deletions is needed against late writes.
    "gc_deletes": "0s",
    "analysis": {
        "normalizer": {"folded": {"type": "custom", "filter": _FOLDED}},
        "filter": {
            "common": {"type": "stop", "stopwords": "_english_"},
            "endings": {"type": "stemmer", "language": "english"},
            "meanings": {"type": "synonym_graph", "synonyms": list(SYNONYMS)},
            "beginnings": {"type": "edge_ngram", "min_gram": 1, "max_gram": MAX_PREFIX},
        },
        "analyzer": {
            "words": {"type": "custom", "tokenizer": "standard", "filter": [*_FOLDED, "common", "endings"]},
            "asked": {
                "type": "custom",
                "tokenizer": "standard",
                "filter": [*_FOLDED, "common", "meanings", "endings"],
            },
            "spelled": {"type": "custom", "tokenizer": "standard", "filter": _FOLDED},
            "typed": {"type": "custom", "tokenizer": "standard", "filter": [*_FOLDED, "beginnings"]},
        },
    },
}
_WORDS: dict[str, Any] = {"type": "text", "analyzer": "words", "search_analyzer": "asked"}
_TYPED: dict[str, Any] = {"type": "text", "analyzer": "typed", "search_analyzer": "spelled", "norms": False}
_KEYWORD: dict[str, Any] = {"type": "keyword", "ignore_above": _MAX_KEYWORD}
_SEARCHED_KEYWORD: dict[str, Any] = _KEYWORD | {"copy_to": "words"}
_PLACE: dict[str, Any] = _SEARCHED_KEYWORD | {"fields": {"text": _WORDS, "typed": _TYPED}}
_KEY: dict[str, Any] = _SEARCHED_KEYWORD | {"fields": {"folded": {"type": "keyword", "normalizer": "folded"}}}
_STORED: dict[str, Any] = {"type": "keyword", "index": False, "doc_values": False}
_NUMBER: dict[str, Any] = {"type": "integer"}
PROPERTIES: dict[str, Any] = {
    "id": {"type": "keyword"},
    "bucket": {"type": "keyword"},
    "version": {"type": "long"},
    "hidden": {"type": "boolean"},
    "internet_display": {"type": "boolean"},
    "internet_address_display": {"type": "boolean"},
    "listing_key": _KEY,
    "standard_status": _KEYWORD,
    "property_type": _SEARCHED_KEYWORD,
    "property_sub_type": _SEARCHED_KEYWORD,
    "unparsed_address": _WORDS | {"copy_to": "words", "fields": {"typed": _TYPED}},
    "city": _PLACE,
    "state_or_province": _SEARCHED_KEYWORD,
    "postal_code": _KEY,
    "subdivision_name": _PLACE,
    "currency": _STORED,
    "list_price": {"type": "long"},
    "close_price": {"type": "long", "index": False, "doc_values": False},
    "bedrooms_total": _NUMBER,
    "bathrooms_total": _NUMBER,
    "living_area": _NUMBER,
    "lot_size_area": _NUMBER | {"index": False, "doc_values": False},
    "year_built": _NUMBER,
    "modification_timestamp": _STORED,
    "modified": {"type": "long"},
    "location": {"type": "geo_point"},
    "photo": {"type": "object", "enabled": False},
    # Apart from the rest of a document, which lists read as a whole; highlighting needs it.
    "public_remarks": _WORDS | {"store": True, "copy_to": "words"},
    "features": {"type": "text", "index": False, "copy_to": "words"},
    "words": _WORDS | {"fields": {"spelled": {"type": "text", "analyzer": "spelled", "norms": False}}},
}


def digest() -> str:
    """Tells definitions apart."""
    content = [SETTINGS, PROPERTIES, sorted(HIDDEN_STATUSES), DOCUMENTS]
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def body(tenant_id: str) -> dict[str, Any]:
    """What creates the index."""
    return {
        "settings": {"index": SETTINGS},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"rooftree.dev/tenant": tenant_id, "definition": digest()},
            "_source": {"excludes": ["public_remarks", "features"]},
            "properties": PROPERTIES,
        },
    }
