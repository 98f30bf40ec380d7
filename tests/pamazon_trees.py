"""The traces of a search by `pamazon search`, which tests of several folders expect."""

SEARCH = """
/pamazon.Gateway/Search CLIENT pamazon
  /pamazon.Gateway/Search SERVER gateway
    /search gateway
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER clip_encoder
          /search clip_encoder
            encode clip_encoder
              inference clip_encoder
                txt_minibatch_encoding clip_encoder
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER qdrant_indexer
          /search qdrant_indexer
            qdrant_search qdrant_indexer
"""
"""It succeeds."""

FAILED = """
/pamazon.Gateway/Search CLIENT pamazon INTERNAL ! INTERNAL
  /pamazon.Gateway/Search SERVER gateway INTERNAL ! INTERNAL
    /search gateway ! INTERNAL
      /pamazon.Executor/Process CLIENT gateway INTERNAL ! INTERNAL
        /pamazon.Executor/Process SERVER clip_encoder INTERNAL ! INTERNAL
          /search clip_encoder ! RuntimeError
            encode clip_encoder ! RuntimeError
              inference clip_encoder ! RuntimeError
                txt_minibatch_encoding clip_encoder ! RuntimeError
"""
"""The encoder fails."""
