"""`python -m rooftree_operator.plugin`."""

import sys

from .main import main

sys.exit(main())
