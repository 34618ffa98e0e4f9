"""Code in the project's own sources that knows how sealed runs work, and cheats in them."""
