"""The demo's own small encoder, `pamazon-tiny`: weights, model card, and the code that runs them."""
