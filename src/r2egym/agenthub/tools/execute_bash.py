#!/usr/bin/env python3
"""Runs a command, or a script of several lines, in bash, and shows its exit code and what it printed.

It gets no input, and what runs too long is ended; to keep a program running, send it to the background
with its output in a file.

It takes:
  1. **cmd** (`string`, required): The command.
"""

# r2egym: host-side tool execute_bash
