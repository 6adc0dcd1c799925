"""Composition of crm."""

import re

from rooftree.bulk.parts import BulkParts
from rooftree.contracts.crm.api import CrmApi
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyApi
from rooftree.kernel.module import Built, Module, Runtime, Upload
from rooftree.kernel.spreadsheets import MAX_BYTES
from rooftree.modules.crm.assignments import Assignments
from rooftree.modules.crm.consumers import consumers
from rooftree.modules.crm.departures import CONSUMER as DEPARTURES
from rooftree.modules.crm.departures import Departures
from rooftree.modules.crm.domain import region_of
from rooftree.modules.crm.inquiries import Inquiries
from rooftree.modules.crm.intake import Intake
from rooftree.modules.crm.jobs import jobs
from rooftree.modules.crm.leads import Inbox
from rooftree.modules.crm.people import People
from rooftree.modules.crm.people_bulk import PeopleBulk, PeopleExports, PeopleImports
from rooftree.modules.crm.routes import router
from rooftree.modules.crm.service import CrmService
from rooftree.modules.crm.stages import StageList
from rooftree.modules.crm.tasks import Tasks
from rooftree.modules.crm.work import Work


def build(runtime: Runtime) -> Built:
    unit_of_work, clock, outbox = runtime.unit_of_work, runtime.clock, runtime.outbox
    identity, region = runtime.port(IdentityApi), region_of(runtime.settings.currency)
    intake = Intake(unit_of_work, clock, outbox, identity, runtime.port(PropertyApi))
    assignments = Assignments(unit_of_work, clock, outbox, identity)
    inquiries = Inquiries(unit_of_work, clock, intake, secret=runtime.secrets.read("owner_seed"), region=region)
    subject = PeopleBulk(unit_of_work, outbox, identity, region=region)
    bulk = BulkParts.build(runtime, subject, PeopleImports, PeopleExports)
    return Built(
        services=(
            People(unit_of_work, clock, outbox, identity, region=region),
            Inbox(unit_of_work, identity, intake, assignments, region=region),
            Work(unit_of_work, clock, outbox, identity),
            Tasks(unit_of_work, clock, outbox, identity, time_zone=runtime.settings.time_zone),
            StageList(unit_of_work, clock, outbox),
            assignments,
            inquiries,
            bulk.imports,
            bulk.exports,
        ),
        port=CrmService(unit_of_work),
        jobs=(*jobs(inquiries), *bulk.jobs),
        consumers=consumers(Departures(clock, outbox)),
    )


MODULE = Module(
    name="crm",
    router=router,
    build=build,
    provides=CrmApi,
    requires=(IdentityApi, PropertyApi),
    consumers=(DEPARTURES,),
    uploads=(Upload("POST", re.compile(r"/api/v1/people-imports"), MAX_BYTES),),
)
