"""Composition of property."""

import re

from rooftree.bulk.parts import BulkParts
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyApi
from rooftree.kernel import spreadsheets
from rooftree.kernel.module import Built, Module, Runtime, Upload
from rooftree.modules.property.agents_moved import CONSUMER as AGENTS_MOVED
from rooftree.modules.property.agents_moved import AgentsMoved
from rooftree.modules.property.consumers import SEARCH, consumers
from rooftree.modules.property.editor_service import EditorService
from rooftree.modules.property.feed_alerts import CONSUMER as FEED_ALERTS
from rooftree.modules.property.feed_alerts import FeedAlerts
from rooftree.modules.property.feed_import import FeedImport
from rooftree.modules.property.feed_service import FeedService
from rooftree.modules.property.import_subject import ListingBulk, ListingExports, ListingImports
from rooftree.modules.property.jobs import jobs
from rooftree.modules.property.photo_keeper import PhotoKeeper
from rooftree.modules.property.photo_service import PhotoService
from rooftree.modules.property.photos import Photos
from rooftree.modules.property.pictures import MAX_BYTES
from rooftree.modules.property.renditions import RenditionMaker
from rooftree.modules.property.reso import FeedConfig, open_client, parse_feeds
from rooftree.modules.property.routes import router
from rooftree.modules.property.search_definition import NAME
from rooftree.modules.property.search_parts import SearchParts
from rooftree.modules.property.service import PropertyPort, PropertyService


def build(runtime: Runtime) -> Built:
    def configured() -> tuple[FeedConfig, ...]:
        content = runtime.secrets.read_optional("feeds.json")
        return parse_feeds(content.get_secret_value()) if content else ()

    configured()  # what is wrong with it is said at start, not by the first job
    photos = Photos()
    service = PropertyService(runtime.unit_of_work, runtime.clock, configured, photos=photos)
    editor = EditorService(
        runtime.unit_of_work, runtime.clock, runtime.outbox, runtime.port(IdentityApi), runtime.settings
    )
    subject = ListingBulk(runtime.unit_of_work, runtime.outbox, runtime.port(IdentityApi), runtime.settings)
    bulk = BulkParts.build(runtime, subject, ListingImports, ListingExports)
    own = (runtime.unit_of_work, runtime.clock, runtime.outbox, runtime.jobs, runtime.objects)
    own_photos, keeper = PhotoService(*own), PhotoKeeper(*own, RenditionMaker(runtime.workers))
    feed_import = FeedImport.build(runtime, configured, open_client)
    alerts = FeedAlerts(runtime.jobs, runtime.port(IdentityApi), runtime.mail, runtime.settings)
    agents = AgentsMoved(runtime.clock, runtime.outbox)
    feeds = FeedService(runtime.unit_of_work, runtime.clock, runtime.jobs, configured)
    search = SearchParts.build(runtime)

    async def close() -> None:
        await photos.close()
        await search.close()

    return Built(
        services=(service, search.service, feeds, editor, own_photos, bulk.imports, bulk.exports),
        port=PropertyPort(feeds, service),
        jobs=(*jobs(feed_import), alerts.job(), *keeper.jobs(), *search.jobs(), *bulk.jobs),
        consumers=(*consumers(search.keeper), alerts.consumer(), agents.consumer()),
        start=search.start,
        close=close,
    )


MODULE = Module(
    name="property",
    router=router,
    build=build,
    provides=PropertyApi,
    requires=(IdentityApi,),
    consumers=(SEARCH, FEED_ALERTS, AGENTS_MOVED),
    indices=(NAME,),
    uploads=(
        Upload("POST", re.compile(r"/api/v1/properties/[^/]+/photos"), MAX_BYTES),
        Upload("POST", re.compile(r"/api/v1/property-imports"), spreadsheets.MAX_BYTES),
    ),
)
