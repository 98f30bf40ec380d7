"""The demo's own small encoder, `pamazon-tiny`: weights, model card, and the code that runs them."""

THRESHOLD = "threshold.json"  # beside the weights; `demo_flow/making/calibrate.py` writes it
