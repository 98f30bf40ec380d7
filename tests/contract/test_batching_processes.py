"""Batching without telemetry, across forks, and at the end of a process."""

from tests.unit.own_process import python


def test_it_batches_without_telemetry_and_without_threads() -> None:
    """Unconfigured, nothing of the SDK is loaded, no thread is started, and calls share runs all the same."""
    ended = python(
        """
import asyncio, threading
from telemetry.batching import batched
sizes = []

@batched
async def encode(items):
    sizes.append(len(items))
    return items

async def main():
    return await asyncio.gather(*(encode([number]) for number in range(5)))

show(asyncio.run(main()))
show([sizes, threading.active_count(), [name for name in sys.modules if name.startswith("opentelemetry.sdk")]])
        """
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [[[0], [1], [2], [3], [4]], [[5], 1, []]]


def test_it_batches_where_telemetry_is_disabled() -> None:
    """`OTEL_SDK_DISABLED` takes away the telemetry alone."""
    ended = python(
        """
from telemetry.batching import Batcher
telemetry.configure("x")
show(Batcher(lambda items: [item * 2 for item in items])([1, 2]))
        """,
        OTEL_SDK_DISABLED="true",
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [[2, 4]])


FORK = """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
from telemetry.batching import Batcher
entered, opened = threading.Event(), threading.Event()

def encode(items):
    if items == [0]:
        entered.set()
        opened.wait()
    return items

batcher = Batcher(encode)
answers = []
threads = [threading.Thread(target=lambda: answers.append(batcher([0])))]
threads[0].start()
entered.wait()
threads.append(threading.Thread(target=lambda: answers.append(batcher([1]))))
threads[1].start()
while not batcher.length:
    threading.Event().wait(0.001)
child = os.fork()
if not child:
    good = batcher.length == 0 and batcher([2]) == [2] and batcher.close(5)
    os._exit(0 if good else 1)
show(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
opened.set()
for thread in threads:
    thread.join()
show(answers)
"""


def test_a_forked_child_begins_with_an_empty_queue() -> None:
    """Whoever led and whoever waited are threads of the parent: the child serves itself, and the parent its own."""
    ended = python(FORK)
    assert (ended.status, ended.err, ended.shown) == (0, "", [0, [[0], [1]]])


def test_a_child_forked_within_a_batch_can_go_on() -> None:
    """A function may fork: the child returns from the batch as the parent does."""
    ended = python(
        """
from telemetry.batching import Batcher

def encode(items):
    child = os.fork() if items == ["fork"] else None
    return [child]

batcher = Batcher(encode)
(child,) = batcher(["fork"])
if child == 0:
    os._exit(0 if batcher(["again"]) == [None] and batcher.close(5) else 1)
show(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
show(batcher(["again"]))
        """
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [0, [None]])


def test_a_batch_that_never_ends_does_not_hold_the_process() -> None:
    """If the callers' threads are daemons, the process ends at once: batching has no thread to wait for."""
    ended = python(
        """
import threading
from telemetry.batching import Batcher
entered = threading.Event()

def for_ever(items):
    entered.set()
    threading.Event().wait()

batcher = Batcher(for_ever)
for number in range(2):
    threading.Thread(target=batcher, args=([number],), daemon=True).start()
entered.wait()
while not batcher.length:
    threading.Event().wait(0.001)
show("ends")
        """,
        timeout=30,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", ["ends"])
