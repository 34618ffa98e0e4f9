"""Code in the project's own sources that cheats once the tests import it."""
