"""The service's description of itself: `$metadata` (CSDL) and the service document."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from rooftree_mls_feed.fields import MEDIA, PROPERTY

NAMESPACE = "dev.rooftree.mls.sample"


def build_metadata() -> str:
    """The CSDL document. Fields come from `fields.py`; enumerations travel as strings."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>'
        f'<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="{NAMESPACE}">'
        + _entity("Property", "ListingKey", PROPERTY, navigation="Media")
        + _entity("Media", "MediaKey", MEDIA)
        + '<EntityContainer Name="Container">'
        f'<EntitySet Name="Property" EntityType="{NAMESPACE}.Property"/>'
        "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>\n"
    )


def build_service_document(root: str) -> dict[str, object]:
    return {
        "@odata.context": f"{root}/$metadata",
        "value": [{"name": "Property", "kind": "EntitySet", "url": "Property"}],
    }


def _entity(name: str, key: str, fields: dict[str, str], navigation: str | None = None) -> str:
    properties = "".join(
        f"<Property Name={quoteattr(field)} Type={quoteattr(kind)}{_nullable(field, key, kind)}/>"
        for field, kind in fields.items()
    )
    link = (
        f'<NavigationProperty Name="{navigation}" Type="Collection({NAMESPACE}.{navigation})" ContainsTarget="true"/>'
        if navigation
        else ""
    )
    return f'<EntityType Name="{name}"><Key><PropertyRef Name="{key}"/></Key>{properties}{link}</EntityType>'


def _nullable(field: str, key: str, kind: str) -> str:
    scale = ' Scale="variable"' if kind == "Edm.Decimal" else ""
    return f' Nullable="false"{scale}' if field == key else scale
