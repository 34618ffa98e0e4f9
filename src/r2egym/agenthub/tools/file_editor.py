#!/usr/bin/env python3
"""Looks at files and folders, and edits files.

- view shows a file with line numbers, or a folder two levels deep without hidden files. Long output is
  cut; view_range shows a part.
- create makes a file that does not exist yet, and the folders for it.
- str_replace replaces old_str, which must be in the file exactly once, by new_str. Take enough lines to
  make it unique.
- insert puts new_str in after a line.
- undo_edit takes back the last edit of this file by this tool.

It takes:
  1. **command** (`string`, required): What to do.
  2. **path** (`string`, required): The file, or for view also a folder; best from the root, as in
     /testbed/setup.py.
  3. **file_text** (`string`, optional): For create: all that the new file holds.
  4. **old_str** (`string`, optional): For str_replace: the text to replace, exactly as in the file, white
     space included, and without line numbers.
  5. **new_str** (`string`, optional): For str_replace: what takes its place (left out: nothing does). For
     insert: the lines to put in.
  6. **insert_line** (`integer`, optional): For insert: the number of the line after which to put new_str;
     0 is the top of the file.
  7. **view_range** (`array`, optional): For view of a file: first and last line, as in [10, 40]; -1 as
     the last is the end of the file.
  8. **concise** (`boolean`, optional): For view of a Python file: leave out the bodies of functions.
     Files of more than 110 lines are shown so unless this is False or there is a view_range.
  9. **enable_linting** (`boolean`, optional): For edits of a Python file: tell whether its syntax is
     right afterwards.
"""

# r2egym: host-side tool file_editor
