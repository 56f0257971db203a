"""What the template environment does to words."""

import pytest

from app.web.ui.templating import linked


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Test it from /alert-sources, then rest.",
            'Test it from <a href="/alert-sources">/alert-sources</a>, then rest.',
        ),
        ("Choose at /alert-sources/2; wait.", 'Choose at <a href="/alert-sources/2">/alert-sources/2</a>; wait.'),
        ("See https://example.com/settings or /etc/settings", "See https://example.com/settings or /etc/settings"),
        ("<b>/people</b>", '&lt;b&gt;<a href="/people">/people</a>&lt;/b&gt;'),
        ("/settings-old and /peoples stay", "/settings-old and /peoples stay"),
    ],
)
def test_only_our_own_places_become_links(said: str, shown: str) -> None:
    assert linked(said) == shown
