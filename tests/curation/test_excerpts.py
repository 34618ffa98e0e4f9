"""What of a long file a writer of tests is shown."""

from r2egym.curation.excerpts import excerpt

WORDS = "WORDS = [\n" + "".join(f"    'word number {number}',\n" for number in range(600)) + "]\n"
LONG = (
    f'import os\nfrom re import sub\n{WORDS}\n\ndef first():\n    return os.sep\n\n\nclass Kind:\n    """What it is."""\n\n'
    "    def old(self):\n        return 1\n\n    def new(self):\n        return 2\n\n\ndef _hidden():\n    pass\n"
)


def test_a_short_file_is_shown_whole():
    """There is nothing to save."""
    assert excerpt("x = 1\n", [(1, 1)]) == "x = 1\n"


def test_of_a_long_one_what_encloses_the_change():
    """With the imports and the names of the rest; neither tables nor the bodies of others."""
    line = LONG.splitlines().index("        return 2") + 1
    assert excerpt(LONG, [(line, line)]) == (
        'import os\nfrom re import sub\n…\nclass Kind:\n    """What it is."""\n\n…\n    def new(self):\n        return 2\n\n'
        "# Other names of the file: first, Kind.old"
    )


def test_a_new_class_is_shown_as_it_is():
    """When no single method of it is what changed."""
    first = LONG.splitlines().index("class Kind:") + 1
    shown = excerpt(LONG, [(first, first + 7)])
    assert "return 1" in shown
    assert "return 2" in shown
    assert "word number" not in shown
