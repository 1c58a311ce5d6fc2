"""The type of every password."""

import pickle
import traceback

import pytest

from sottovoce.ini import Secret


def test_a_secret_shows_itself_nowhere() -> None:
    """W20: not as text, not in a format, not in a container, not in a traceback."""
    secret = Secret("geheim")

    texts = [str(secret), repr(secret), f"{secret}", f"{secret:>8}", f"{[secret]}"]
    texts += traceback.format_exception(ValueError(secret))

    assert "geheim" not in "".join(texts)
    assert secret.reveal() == "geheim"


def test_secrets_compare_by_their_text_and_only_with_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("é")}) == 2
    assert not Secret("")


def test_a_secret_is_never_pickled() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret("geheim"))


def test_a_secret_holds_text() -> None:
    with pytest.raises(TypeError, match="holds text"):
        Secret(b"geheim")  # type: ignore[arg-type]
