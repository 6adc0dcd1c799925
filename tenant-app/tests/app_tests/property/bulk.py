"""Files of own listings as colleagues bring and take them."""

from ..bulk.crashing import ROWS, Crash
from ..bulk.files import Files, written

FILES = Files("property")
IMPORTS = FILES.imports
applied, checked, errors, exported = FILES.applied, FILES.checked, FILES.errors, FILES.exported
send, settled, step, undone = FILES.send, FILES.settled, FILES.step, FILES.undone

# Without an id each row makes another listing if it is taken twice.
_ROWS = [[f"{n} Canary Court", "Ames"] for n in range(ROWS)]
CRASH = Crash("property", "property.properties", FILES, written(["Address", "City"], *_ROWS))
