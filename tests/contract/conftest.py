"""Files of the registered datasets for contract tests."""

import pytest

from tests.support.image_sets import write_images


@pytest.fixture(scope="session")
def image_roots(tmp_path_factory):
    """A function that gives a data root with a published set, small, written when first asked."""
    roots = {}

    def root_of(name):
        if name not in roots:
            roots[name] = tmp_path_factory.mktemp(name)
            write_images(name, roots[name])
        return roots[name]

    return root_of
