#!/usr/bin/env python3
"""Looks for a fixed text, upper and lower case told apart.

In a file it shows the lines that hold it, with their numbers; in a folder the files that hold it, each
with its number of such lines. More than 100 files are not listed. Hidden and binary files are passed
over.

It takes:
  1. **search_term** (`string`, required): The text, within one line; no pattern.
  2. **path** (`string`, optional): A file or folder; left out: the folder in which you work.
"""

# r2egym: host-side tool search
