"""The commands of `pamazon`, one module each: `add(subparsers)` and what it runs."""
