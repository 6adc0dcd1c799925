"""What each caller may do with each record, written down by hand after the brokerage's permission matrix.

Nothing here is derived from the policy: the tests compare the app with these tables. Columns are records, by whom they
belong to; lines are callers. Letters are explained at each table; `.` is a record that the caller is not told of.

Callers: `placed` is an owner who works in the main office, `boss'` the manager of the other one, `nomad` an agent of no
office. `helper` is a coordinator to whom `agent` delegated listings and people, `half` one to whom only people were
delegated, `aide` one to whom the manager delegated both, `teamed` one in the team of `agent` to whom nobody did; `idle`
had delegations that expired or were revoked. `departed` was deactivated while signed in.
"""

CALLERS = (
    *("owner", "placed", "manager", "boss'", "agent", "nomad"),
    *("helper", "half", "idle", "aide", "teamed", "client", "anonymous", "departed"),
)
# Who is told nothing, and not even 403 or 404 but 401.
UNKNOWN = ("anonymous", "departed")

# w: reads and changes; c: reads, and may claim.
PEOPLE = """
           agent  mate  office  manager  west  pond  pond'  nowhere  nomad  raced
owner      w      w     w       w        w     w     w      w        w      w
placed     w      w     w       w        w     w     w      w        w      w
manager    w      w     w       w        .     w     .      w        .      w
boss'      .      .     .       .        w     .     w      w        .      .
agent      w      w     .       .        .     c     .      .        .      .
nomad      .      .     .       .        .     .     .      .        w      .
helper     w      .     .       .        .     .     .      .        .      .
half       w      .     .       .        .     .     .      .        .      .
idle       .      .     .       .        .     .     .      .        .      .
aide       .      .     .       w        .     .     .      .        .      .
teamed     .      .     .       .        .     .     .      .        .      .
client     .      .     .       .        .     .     .      .        .      .
"""
# y: gets them; t: is told that somebody was faster; f: sees them and may not claim. Whom a colleague of the own office
# got a moment ago (`raced`) an agent may have seen waiting until then, and is told so; of no other that there is one.
CLAIMS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  nomad  raced
owner      t      t     t       t        t     y     y      y        t      t
placed     t      t     t       t        t     y     y      y        t      t
manager    t      t     t       y        .     y     .      y        .      t
boss'      .      .     .       .        t     .     y      y        .      .
agent      y      t     .       .        .     y     .      .        .      t
nomad      .      .     .       .        .     .     .      .        y      .
helper     f      .     .       .        .     .     .      .        .      .
half       f      .     .       .        .     .     .      .        .      .
idle       .      .     .       .        .     .     .      .        .      .
aide       .      .     .       f        .     .     .      .        .      .
teamed     .      .     .       .        .     .     .      .        .      .
client     .      .     .       .        .     .     .      .        .      .
"""
ASSIGNMENTS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  nomad  raced
owner      y      y     y       y        y     y     y      y        y      y
placed     y      y     y       y        y     y     y      y        y      y
manager    y      y     y       y        .     y     .      y        .      y
boss'      .      .     .       .        y     .     y      y        .      .
agent      f      f     .       .        .     f     .      .        .      .
nomad      .      .     .       .        .     .     .      .        f      .
helper     f      .     .       .        .     .     .      .        .      .
half       f      .     .       .        .     .     .      .        .      .
idle       .      .     .       .        .     .     .      .        .      .
aide       .      .     .       f        .     .     .      .        .      .
teamed     .      .     .       .        .     .     .      .        .      .
client     .      .     .       .        .     .     .      .        .      .
"""
# To whom somebody gives the person whom `agent` looks after. u: the one is told to be nobody, whether there is such a
# user or not; r: is somebody who cannot have people.
ASSIGNEES = """
           agent manager peer placed owner office west nomad boss' helper client gone unknown
owner      y     y       y    y      y     y      y    y     y     r      r      u    u
placed     y     y       y    y      y     y      y    y     y     r      r      u    u
manager    y     y       y    y      u     y      u    u     u     r      r      u    u
boss'      .     .       .    .      .     .      .    .     .     .      .      .    .
agent      f     f       f    f      f     f      f    f     f     f      f      f    f
nomad      .     .       .    .      .     .      .    .     .     .      .      .    .
helper     f     f       f    f      f     f      f    f     f     f      f      f    f
half       f     f       f    f      f     f      f    f     f     f      f      f    f
idle       .     .       .    .      .     .      .    .     .     .      .      .    .
aide       .     .       .    .      .     .      .    .     .     .      .      .    .
teamed     .     .       .    .      .     .      .    .     .     .      .      .    .
client     .     .       .    .      .     .      .    .     .     .      .      .    .
"""
# Who writes down another lead of somebody who is known; a role that writes down none is told so of everybody.
LEADS_OF = """
           agent  mate  office  manager  west  pond  pond'  nowhere  nomad  raced
owner      y      y     y       y        y     y     y      y        y      y
placed     y      y     y       y        y     y     y      y        y      y
manager    y      y     y       y        .     y     .      y        .      y
boss'      .      .     .       .        y     .     y      y        .      .
agent      y      y     .       .        .     f     .      .        .      .
nomad      .      .     .       .        .     .     .      .        y      .
helper     f      f     f       f        f     f     f      f        f      f
half       f      f     f       f        f     f     f      f        f      f
idle       f      f     f       f        f     f     f      f        f      f
aide       f      f     f       f        f     f     f      f        f      f
teamed     f      f     f       f        f     f     f      f        f      f
client     f      f     f       f        f     f     f      f        f      f
"""
# Tasks are for those who look after the person.
TASKS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  nomad  raced
owner      y      y     y       y        y     y     y      y        y      y
placed     y      y     y       y        y     y     y      y        y      y
manager    y      y     y       y        .     y     .      y        .      y
boss'      .      .     .       .        y     .     y      y        .      .
agent      y      y     .       .        .     .     .      .        .      .
nomad      .      .     .       .        .     .     .      .        y      .
helper     y      .     .       .        .     .     .      .        .      .
half       y      .     .       .        .     .     .      .        .      .
idle       .      .     .       .        .     .     .      .        .      .
aide       .      .     .       y        .     .     .      .        .      .
teamed     .      .     .       .        .     .     .      .        .      .
client     .      .     .       .        .     .     .      .        .      .
"""
# For whom somebody writes down a task about the person whom `agent` looks after. u: for nobody who works on that
# person, whether there is such a user or not.
TASKS_FOR = """
           agent mate office manager owner helper half idle aide west nomad client gone unknown
owner      y     y    u      y       y     y      y    u    u    u    u     u      u    u
placed     y     y    u      y       y     y      y    u    u    u    u     u      u    u
manager    y     y    u      y       y     y      y    u    u    u    u     u      u    u
boss'      .     .    .      .       .     .      .    .    .    .    .     .      .    .
agent      y     y    u      y       y     y      y    u    u    u    u     u      u    u
nomad      .     .    .      .       .     .      .    .    .    .    .     .      .    .
helper     y     y    u      y       y     y      y    u    u    u    u     u      u    u
half       y     y    u      y       y     y      y    u    u    u    u     u      u    u
idle       .     .    .      .       .     .      .    .    .    .    .     .      .    .
aide       .     .    .      .       .     .      .    .    .    .    .     .      .    .
teamed     .     .    .      .       .     .      .    .    .    .    .     .      .    .
client     .     .    .      .       .     .      .    .    .    .    .     .      .    .
"""
# Notes by their person and author. u: may change and delete it; d: may delete it; f: may only read it.
NOTES = """
           agent/agent  agent/owner  agent/helper  mate/agent  west/owner  pond/owner
owner      d            u            d             d           u           u
placed     d            d            d             d           d           d
manager    d            d            d             d           .           d
boss'      .            .            .             .           d           .
agent      u            f            f             u           .           .
nomad      .            .            .             .           .           .
helper     f            f            u             .           .           .
half       f            f            f             .           .           .
idle       .            .            .             .           .           .
aide       .            .            .             .           .           .
teamed     .            .            .             .           .           .
client     .            .            .             .           .           .
"""

# Own listings by their agent, and those of a feed. W: reads all and edits; P: reads all; r: reads what everybody in the
# brokerage does; m: reads it without its place; `nomad`: of no office, `none`: nobody's, in the main office.
_SOME = """
           agent  west  feed
owner      W      W     r
placed     W      W     r
manager    W      P     r
boss'      P      W     r
agent      W      r     r
nomad      r      r     r
helper     W      r     r
half       r      r     r
idle       r      r     r
aide       r      r     r
teamed     r      r     r
"""
LISTINGS = {
    # Shown everywhere.
    "active": """
           agent  mate  office  manager  west  nomad  none  feed
owner      W      W     W       W        W     W      W     r
placed     W      W     W       W        W     W      W     r
manager    W      W     W       W        P     P      W     r
boss'      P      P     P       P        W     P      P     r
agent      W      W     r       r        r     r      r     r
nomad      r      r     r       r        r     W      r     r
helper     W      r     r       r        r     r      r     r
half       r      r     r       r        r     r      r     r
idle       r      r     r       r        r     r      r     r
aide       r      r     r       W        r     r      r     r
teamed     r      r     r       r        r     r      r     r
client     r      r     r       r        r     r      r     r
""",
    # Not on the internet.
    "quiet": _SOME + "client . . .",
    # On the internet without address and coordinates.
    "unplaced": _SOME + "client m m m",
    "draft": """
           agent  mate  office  manager  west  nomad  none
owner      W      W     W       W        W     W      W
placed     W      W     W       W        W     W      W
manager    W      W     W       W        .     .      W
boss'      .      .     .       .        W     .      .
agent      W      W     .       .        .     .      .
nomad      .      .     .       .        .     W      .
helper     W      .     .       .        .     .      .
half       .      .     .       .        .     .      .
idle       .      .     .       .        .     .      .
aide       .      .     .       W        .     .      .
teamed     .      .     .       .        .     .      .
client     .      .     .       .        .     .      .
""",
    "closed": """
           agent  mate  office  manager  west  nomad  none
owner      W      W     W       W        W     W      W
placed     W      W     W       W        W     W      W
manager    W      W     W       W        P     P      W
boss'      P      P     P       P        W     P      P
agent      P      P     r       r        r     r      r
nomad      r      r     r       r        r     P      r
helper     P      r     r       r        r     r      r
half       r      r     r       r        r     r      r
idle       r      r     r       r        r     r      r
aide       r      r     r       P        r     r      r
teamed     r      r     r       r        r     r      r
client     r      r     r       r        r     r      r
""",
}
# Whom somebody makes the agent of a new listing. u, r: as with ASSIGNEES; `nobody`: it has none.
NEW_AGENTS = """
           agent mate office manager owner placed west nomad boss' helper client gone unknown nobody
owner      y     y    y      y       y     y      y    y     y     r      r      u    u       y
placed     y     y    y      y       y     y      y    y     y     r      r      u    u       y
manager    y     y    y      y       u     y      u    u     u     r      r      u    u       y
boss'      u     u    u      u       u     u      y    u     y     u      u      u    u       y
agent      y     f    f      f       f     f      f    f     f     f      f      f    f       f
nomad      f     f    f      f       f     f      f    y     f     f      f      f    f       f
helper     f     f    f      f       f     f      f    f     f     f      f      f    f       f
half       f     f    f      f       f     f      f    f     f     f      f      f    f       f
idle       f     f    f      f       f     f      f    f     f     f      f      f    f       f
aide       f     f    f      f       f     f      f    f     f     f      f      f    f       f
teamed     f     f    f      f       f     f      f    f     f     f      f      f    f       f
client     f     f    f      f       f     f      f    f     f     f      f      f    f       f
"""
# To whom somebody gives the listing `active/agent`, which `helper` may only leave where it is.
GIVEN_AGENTS = """
           agent mate office manager owner placed west nomad boss' helper client gone unknown nobody
owner      y     y    y      y       y     y      y    y     y     r      r      u    u       y
placed     y     y    y      y       y     y      y    y     y     r      r      u    u       y
manager    y     y    y      y       u     y      u    u     u     r      r      u    u       y
boss'      f     f    f      f       f     f      f    f     f     f      f      f    f       f
agent      y     f    f      f       f     f      f    f     f     f      f      f    f       f
nomad      f     f    f      f       f     f      f    f     f     f      f      f    f       f
helper     y     f    f      f       f     f      f    f     f     f      f      f    f       f
half       f     f    f      f       f     f      f    f     f     f      f      f    f       f
idle       f     f    f      f       f     f      f    f     f     f      f      f    f       f
aide       f     f    f      f       f     f      f    f     f     f      f      f    f       f
teamed     f     f    f      f       f     f      f    f     f     f      f      f    f       f
client     f     f    f      f       f     f      f    f     f     f      f      f    f       f
"""

# A: makes of the account whatever there is; a: manages it, in the own office and below managers; n: changes the own
# name; s: only sees the person.
USERS = """
           owner placed manager peer agent office nomad helper west boss' client gone
owner      A     A      A       A    A     A      A     A      A    A     A      A
placed     A     A      A       A    A     A      A     A      A    A     A      A
manager    s     s      n       s    a     a      .     a      .    .     a      a
boss'      s     s      .       .    .     .      .     .      a    n     .      .
agent      s     s      s       s    n     s      .     s      .    .     .      .
nomad      s     s      .       .    .     .      n     .      .    .     .      .
helper     s     s      s       s    s     s      .     n      .    .     .      .
half       s     s      s       s    s     s      .     s      .    .     .      .
idle       s     s      s       s    s     s      .     s      .    .     .      .
aide       s     s      s       s    s     s      .     s      .    .     .      .
teamed     s     s      s       s    s     s      .     s      .    .     .      .
client     .     .      .       .    .     .      .     .      .    .     n      .
"""
# Everybody else in lists of people.
LISTED = """
           mate half idle aide teamed spare spare' departed
owner      s    s    s    s    s      s     s      s
placed     s    s    s    s    s      s     s      s
manager    s    s    s    s    s      s     .      s
boss'      .    .    .    .    .      .     s      .
agent      s    s    s    s    s      s     .      .
nomad      .    .    .    .    .      .     .      .
helper     s    s    s    s    s      s     .      .
half       s    s    s    s    s      s     .      .
idle       s    s    s    s    s      s     .      .
aide       s    s    s    s    s      s     .      .
teamed     s    s    s    s    s      s     .      .
client     .    .    .    .    .      .     .      .
"""
# y: may; f: sees it and may not.
INVITATIONS = """
           main  main-manager  west
owner      y     y             y
placed     y     y             y
manager    y     f             .
boss'      .     .             y
agent      .     .             .
nomad      .     .             .
helper     .     .             .
half       .     .             .
idle       .     .             .
aide       .     .             .
teamed     .     .             .
client     .     .             .
"""
# c: changes and closes; u: changes; f: only sees it.
OFFICES = """
           main  west
owner      c     c
placed     c     c
manager    u     f
boss'      f     u
agent      f     f
nomad      f     f
helper     f     f
half       f     f
idle       f     f
aide       f     f
teamed     f     f
client     .     .
"""
TEAMS = """
           lake  hill
owner      y     y
placed     y     y
manager    y     f
boss'      f     y
agent      f     f
nomad      f     f
helper     f     f
half       f     f
idle       f     f
aide       f     f
teamed     f     f
client     .     .
"""
# How many people who are active each office and team has.
IN_OFFICE = {"main": 13, "west": 3}
IN_TEAM = {"lake": 3, "hill": 1}
# By whose records they are over, and who holds it. Of `idle`'s one has expired and one (`'`) was revoked.
DELEGATIONS = """
           agent/spare office/spare west/spare' manager/aide peer/spare placed/spare agent/helper agent/half agent/idle agent/idle'
owner      y           y            y           y            y          y            y            y          y          y
placed     y           y            y           y            y          y            y            y          y          y
manager    y           y            .           y            f          f            y            y          y          y
boss'      .           .            y           .            .          .            .            .          .          .
agent      y           .            .           .            .          .            y            y          y          y
nomad      .           .            .           .            .          .            .            .          .          .
helper     .           .            .           .            .          .            f            .          .          .
half       .           .            .           .            .          .            .            f          .          .
idle       .           .            .           .            .          .            .            .          f          f
aide       .           .            .           f            .          .            .            .          .          .
teamed     .           .            .           .            .          .            .            .          .          .
client     .           .            .           .            .          .            .            .          .          .
"""  # noqa: E501 - a table
# For whom one may delegate to `spare`, or to `spare'` of the other office for those there. u: the caller does not know
# them, or nobody does; a: the caller does not know the assistant.
DELEGATED = """
           agent office manager boss' peer owner placed nomad west gone unknown
owner      y     y      y       y     y    y     y      y     y    u    u
placed     y     y      y       y     y    y     y      y     y    u    u
manager    y     y      y       u     f    f     f      u     u    u    u
boss'      u     u      u       y     u    a     a      u     y    u    u
agent      y     f      f       u     f    f     f      u     u    u    u
nomad      u     u      u       u     u    a     a      a     u    u    u
helper     f     f      f       f     f    f     f      f     f    f    f
half       f     f      f       f     f    f     f      f     f    f    f
idle       f     f      f       f     f    f     f      f     f    f    f
aide       f     f      f       f     f    f     f      f     f    f    f
teamed     f     f      f       f     f    f     f      f     f    f    f
client     f     f      f       f     f    f     f      f     f    f    f
"""
INVITED = """
           agent@main  coordinator@main  manager@main  owner@main  agent@west
owner      y           y                 y             y           y
placed     y           y                 y             y           y
manager    y           y                 f             f           f
boss'      f           f                 f             f           y
agent      f           f                 f             f           f
nomad      f           f                 f             f           f
helper     f           f                 f             f           f
half       f           f                 f             f           f
idle       f           f                 f             f           f
aide       f           f                 f             f           f
teamed     f           f                 f             f           f
client     f           f                 f             f           f
"""
FOUNDED = """
           main  west
owner      y     y
placed     y     y
manager    y     f
boss'      f     y
agent      f     f
nomad      f     f
helper     f     f
half       f     f
idle       f     f
aide       f     f
teamed     f     f
client     f     f
"""
FEEDS = """
           ames
owner      y
placed     y
manager    y
boss'      y
agent      .
nomad      .
helper     .
half       .
idle       .
aide       .
teamed     .
client     .
"""
# c: changes and removes it; u: changes it; f: only sees it.
STAGES = """
           lead
owner      c
placed     c
manager    u
boss'      u
agent      f
nomad      f
helper     f
half       f
idle       f
aide       f
teamed     f
client     .
"""
OTHERS_SESSIONS = """
           agent  office
owner      .      .
placed     .      .
manager    .      .
boss'      .      .
agent      y      .
nomad      .      .
helper     .      .
half       .      .
idle       .      .
aide       .      .
teamed     .      .
client     .      .
"""

# By who asked for them; `none`: nobody did.
JOBS = """
           agent  office  west  none
owner      y      y       y     y
placed     y      y       y     y
manager    y      y       .     .
boss'      .      .       y     .
agent      y      .       .     .
nomad      .      .       .     .
helper     .      .       .     .
half       .      .       .     .
idle       .      .       .     .
aide       .      .       .     .
teamed     .      .       .     .
client     .      .       .     .
"""

# Imports by who brought the file. u: and says what becomes of it.
IMPORTS = """
           agent  office  west
owner      r      r       r
placed     r      r       r
manager    r      r       .
boss'      .      .       r
agent      u      .       .
nomad      .      .       .
helper     .      .       .
half       .      .       .
idle       .      .       .
aide       .      .       .
teamed     .      .       .
client     .      .       .
"""
# Exports are for whoever asked.
EXPORTS = """
           agent  office  helper
owner      .      .       .
placed     .      .       .
manager    .      .       .
boss'      .      .       .
agent      y      .       .
nomad      .      .       .
helper     .      .       y
half       .      .       .
idle       .      .       .
aide       .      .       .
teamed     .      .       .
client     .      .       .
"""

# What has no record: y or f by the operation, in the order of the callers' names.
ROLES = """
           staff  sell  answer  own  signed
owner      y      y     y       y    y
placed     y      y     y       y    y
manager    y      y     y       f    y
boss'      y      y     y       f    y
agent      y      y     f       f    y
nomad      y      y     f       f    y
helper     y      f     f       f    y
half       y      f     f       f    y
idle       y      f     f       f    y
aide       y      f     f       f    y
teamed     y      f     f       f    y
client     f      f     f       f    y
"""


def read(table: str) -> dict[tuple[str, str], str]:
    """Letter by caller and column."""
    header, *lines = [line.split() for line in table.strip("\n").split("\n") if line.strip()]
    found = {
        (caller, column): letter for caller, *letters in lines for column, letter in zip(header, letters, strict=True)
    }
    assert {caller for caller, _ in found} == set(CALLERS) - set(UNKNOWN)
    return found


def listings() -> dict[tuple[str, str], str]:
    """Of all states: the columns are `state/agent`."""
    return {
        (caller, f"{state}/{place}"): letter
        for state, table in LISTINGS.items()
        for (caller, place), letter in read(table).items()
    }
