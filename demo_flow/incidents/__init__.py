"""Incidents: something goes wrong in a running Pamazon, on purpose and for a while (`pamazon incident`).

In: the commands, by the service `pamazon.Incidents` of each process. Out: waits and changed values at the places that
executors and clients name. State: what is active in this process, until when.
"""
