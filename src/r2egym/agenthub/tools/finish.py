#!/usr/bin/env python3
"""Ends the work.

Call it once, when the task is done or you can do no more; nothing can be changed afterwards.

It takes:
  1. **command** (`string`, optional): What to do with the work.
  2. **result** (`string`, optional): What you found or did, in a few sentences.
"""

# r2egym: host-side tool finish
