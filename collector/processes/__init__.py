"""Child processes that end with their parent: the programs of the stack, and Pamazon's."""
