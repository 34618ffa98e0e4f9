"""Code that runs in sandboxes; never imported here, only read as text."""
