"""What each caller may do with each record, written down by hand after the brokerage's permission matrix.

Nothing here is derived from the policy: the tests compare the app with these tables. Columns are records, by whom they
belong to; lines are callers. Letters are explained at each table; `.` is a record that the caller is not told of.

Callers: `helper` is a coordinator to whom `agent` delegated listings and people, `half` one to whom only people were
delegated; `idle` was one, but those delegations expired or were revoked. `departed` was deactivated while signed in.
"""

CALLERS = ("owner", "manager", "agent", "helper", "half", "idle", "client", "anonymous", "departed")
# Who is told nothing, and not even 403 or 404 but 401.
UNKNOWN = ("anonymous", "departed")

# w: reads and changes; c: reads, and may claim.
PEOPLE = """
           agent  mate  office  manager  west  pond  pond'  nowhere  raced
owner      w      w     w       w        w     w     w      w        w
manager    w      w     w       w        .     w     .      w        w
agent      w      w     .       .        .     c     .      .        .
helper     w      .     .       .        .     .     .      .        .
half       w      .     .       .        .     .     .      .        .
idle       .      .     .       .        .     .     .      .        .
client     .      .     .       .        .     .     .      .        .
"""
# y: gets them; t: is told that somebody was faster; f: sees them and may not claim. Whom a colleague of the own office
# got a moment ago (`raced`) an agent may have seen waiting until then, and is told so; of no other that there is one.
CLAIMS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  raced
owner      t      t     t       t        t     y     y      y        t
manager    t      t     t       y        .     y     .      y        t
agent      y      t     .       .        .     y     .      .        t
helper     f      .     .       .        .     .     .      .        .
half       f      .     .       .        .     .     .      .        .
idle       .      .     .       .        .     .     .      .        .
client     .      .     .       .        .     .     .      .        .
"""
ASSIGNMENTS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  raced
owner      y      y     y       y        y     y     y      y        y
manager    y      y     y       y        .     y     .      y        y
agent      f      f     .       .        .     f     .      .        .
helper     f      .     .       .        .     .     .      .        .
half       f      .     .       .        .     .     .      .        .
idle       .      .     .       .        .     .     .      .        .
client     .      .     .       .        .     .     .      .        .
"""
# Tasks are for those who look after the person.
TASKS = """
           agent  mate  office  manager  west  pond  pond'  nowhere  raced
owner      y      y     y       y        y     y     y      y        y
manager    y      y     y       y        .     y     .      y        y
agent      y      y     .       .        .     .     .      .        .
helper     y      .     .       .        .     .     .      .        .
half       y      .     .       .        .     .     .      .        .
idle       .      .     .       .        .     .     .      .        .
client     .      .     .       .        .     .     .      .        .
"""
# Notes by their person and author. u: may change and delete it; d: may delete it; f: may only read it.
NOTES = """
           agent/agent  agent/owner  agent/helper  mate/agent  west/owner  pond/owner
owner      d            u            d             d           u           u
manager    d            d            d             d           .           d
agent      u            f            f             u           .           .
helper     f            f            u             .           .           .
half       f            f            f             .           .           .
idle       .            .            .             .           .           .
client     .            .            .             .           .           .
"""

# Own listings by their agent, and those of a feed. W: reads all and edits; P: reads all; r: reads what everybody in the
# brokerage does; m: reads it without its place; `'`: of the other office, `-`: nobody's, in the main office.
PUBLISHED = """
           agent  mate  office  west  none  feed
owner      W      W     W       W     W     r
manager    W      W     W       P     W     r
agent      W      W     r       r     r     r
helper     W      r     r       r     r     r
half       r      r     r       r     r     r
idle       r      r     r       r     r     r
"""
LISTINGS = {
    # Shown everywhere.
    "active": PUBLISHED + "client r r r r r r",
    # Not on the internet.
    "quiet": PUBLISHED + "client . . . . . .",
    # On the internet without address and coordinates.
    "unplaced": PUBLISHED + "client m m m m m m",
    "draft": """
           agent  mate  office  west  none
owner      W      W     W       W     W
manager    W      W     W       .     W
agent      W      W     .       .     .
helper     W      .     .       .     .
half       .      .     .       .     .
idle       .      .     .       .     .
client     .      .     .       .     .
""",
    "closed": """
           agent  mate  office  west  none
owner      W      W     W       W     W
manager    W      W     W       P     W
agent      P      P     r       r     r
helper     P      r     r       r     r
half       r      r     r       r     r
idle       r      r     r       r     r
client     r      r     r       r     r
""",
}

# a: manages the account; n: changes the own name; s: only sees the person.
USERS = """
           owner  manager  agent  office  helper  west  boss'  client  gone
owner      a      a        a      a       a       a     a      a       a
manager    s      n        a      a       a       .     .      a       a
agent      s      s        n      s       s       .     .      .       .
helper     s      s        s      s       n       .     .      .       .
half       s      s        s      s       s       .     .      .       .
idle       s      s        s      s       s       .     .      .       .
client     .      .        .      .       .       .     .      n       .
"""
# y: may; f: sees it and may not.
INVITATIONS = """
           main  main-manager  west
owner      y     y             y
manager    y     f             .
agent      .     .             .
helper     .     .             .
half       .     .             .
idle       .     .             .
client     .     .             .
"""
# c: changes and closes; u: changes; f: only sees it.
OFFICES = """
           main  west
owner      c     c
manager    u     f
agent      f     f
helper     f     f
half       f     f
idle       f     f
client     .     .
"""
TEAMS = """
           lake  hill
owner      y     y
manager    y     f
agent      f     f
helper     f     f
half       f     f
idle       f     f
client     .     .
"""
# By whose records they are over, and one that `idle` had of the agent.
DELEGATIONS = """
           agent  office  west  idle's
owner      y      y       y     y
manager    y      y       .     y
agent      y      .       .     y
helper     .      .       .     .
half       .      .       .     .
idle       .      .       .     f
client     .      .       .     .
"""
# For whom one may delegate; u: the caller does not know them.
DELEGATED = """
           agent  office  manager  west
owner      y      y       y        y
manager    y      y       y        u
agent      y      f       f        u
helper     f      f       f        f
half       f      f       f        f
idle       f      f       f        f
client     f      f       f        f
"""
INVITED = """
           agent@main  coordinator@main  manager@main  agent@west
owner      y           y                 y             y
manager    y           y                 f             f
agent      f           f                 f             f
helper     f           f                 f             f
half       f           f                 f             f
idle       f           f                 f             f
client     f           f                 f             f
"""
FOUNDED = """
           main  west
owner      y     y
manager    y     f
agent      f     f
helper     f     f
half       f     f
idle       f     f
client     f     f
"""
FEEDS = """
           ames
owner      y
manager    y
agent      .
helper     .
half       .
idle       .
client     .
"""
STAGES = """
           lead
owner      y
manager    y
agent      f
helper     f
half       f
idle       f
client     .
"""
OTHERS_SESSIONS = """
           agent  office
owner      .      .
manager    .      .
agent      y      .
helper     .      .
half       .      .
idle       .      .
client     .      .
"""

# What has no record: y or f by the operation, in the order of the callers' names.
ROLES = """
           staff  sell  answer  own  signed
owner      y      y     y       y    y
manager    y      y     y       f    y
agent      y      y     f       f    y
helper     y      f     f       f    y
half       y      f     f       f    y
idle       y      f     f       f    y
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
