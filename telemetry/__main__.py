"""`python -m telemetry`: the command `telemetry`."""

from search_telemetry_command import main

raise SystemExit(main())
