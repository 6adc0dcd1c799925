"""Files of people as colleagues bring and take them."""

from ..bulk.crashing import ROWS, Crash
from ..bulk.files import Files, written

FILES = Files("people")
IMPORTS = FILES.imports
applied, checked, errors, exported = FILES.applied, FILES.checked, FILES.errors, FILES.exported
send, settled, step, undone = FILES.send, FILES.settled, FILES.step, FILES.undone


# Its rows would make others if they were taken twice: half of them has no address.
_ROWS = [[f"Person {n}", f"p{n}@client.test" if n % 2 else ""] for n in range(ROWS)]
CRASH = Crash("crm", "crm.people", FILES, written(["Name", "Email"], *_ROWS))
