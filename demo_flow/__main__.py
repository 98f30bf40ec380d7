"""`python -m demo_flow` is `pamazon`."""

import sys

from demo_flow.cli import main

sys.exit(main())
