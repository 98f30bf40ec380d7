"""The language between the processes: `pamazon.proto` and the code generated from it."""
