"""Files that stand for tools, under their later published paths."""
