"""How examples are made in all tests: the same ones each time, however busy the machine is.

A change is judged by what it does and not by its luck. With `HYPOTHESIS_PROFILE=search`, as in `make full`, new
examples are looked for.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("steady"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
