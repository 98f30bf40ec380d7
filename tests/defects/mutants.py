"""Broken variants of the library, each with the test that must notice it.

Each row puts a defect of `docs/defects.md` into our code, as the defective design had it: in `file`, `old` becomes
`new`. A row is to be fixed by whoever changes the code that it changes.
"""

from typing import Final

from tests.defects.mutant import Mutant
from tests.defects.mutants_of_callables import CALLABLES
from tests.defects.mutants_of_jina import JINA
from tests.defects.mutants_of_peers import PEERS
from tests.defects.mutants_of_traps import TRAPS

MUTANTS: Final[tuple[Mutant, ...]] = (*JINA, *PEERS, *TRAPS, *CALLABLES)
