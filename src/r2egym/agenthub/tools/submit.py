#!/usr/bin/env python3
"""Hands in the work as it is now and ends it.

Call it once, when the task is done or you can do no more.
"""

# r2egym: host-side tool submit
