"""The three components and the three connections."""

from sottovoce.policy import CONNECTIONS, Component


def test_components_have_labels_and_role_names() -> None:
    assert [component.label for component in Component] == ["HUB", "LUI", "TRK"]
    assert Component("lui").role_uri == "urn:sottovoce:role:lui"


def test_three_connections_exist_and_hub_opens_none() -> None:
    assert [(caller.label, called.label) for caller, called in CONNECTIONS] == [
        ("LUI", "HUB"),
        ("TRK", "HUB"),
        ("LUI", "TRK"),
    ]
