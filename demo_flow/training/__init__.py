"""How `pamazon-tiny` was trained: data, model, training, export, evaluation. Needs torch, except the evaluation."""
