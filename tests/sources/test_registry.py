"""Sources are found by name."""


def test_no_path(empty):
    """`folder` alone is not a source."""
    empty(source__name="folder").refuses_export("source.name = folder", "folder:PATH")


def test_unknown_source(empty):
    """A typing error in the kind of source is met with the nearest kind."""
    empty(source__name="foldr:mine").refuses_export(
        "source.name = foldr:mine", "did you mean 'folder'?"
    )
