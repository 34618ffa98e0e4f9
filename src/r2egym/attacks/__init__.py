"""The known cheats, one file each: every one must score 0, alone and together, on every task.

Each file's first line is its story. ``planted`` files lie beside the fix; ``source`` code runs once the tests import the
project; ``sealed`` code knows how sealed runs work; ``paths`` write where they must not; ``resources`` break things; ``scripts`` look around in the agent's sandbox;
``honest`` ones are controls that must score 1. ``design/threats.md`` tells what stops them and which stay open.
"""

from r2egym.attacks.base import Attack, Target
from r2egym.attacks.catalogue import attack, attacks, composites, controls
from r2egym.attacks.judge import Outcome, judge
from r2egym.attacks.secrets import evidence

__all__ = ["Attack", "Outcome", "Target", "attack", "attacks", "composites", "controls", "evidence", "judge"]
