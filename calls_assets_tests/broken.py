"""What may lie where a file should."""


def in_its_place(make):
    """Something else under the file's name."""

    def put(path):
        path.unlink()
        make(path)

    return put
