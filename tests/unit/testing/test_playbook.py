import gc

import pytest

from sottovoce.rpc import Bye, Connection, Ping, Speaks, State
from sottovoce.testing.playbook import (
    Bytes,
    ConversationActor,
    EngineActor,
    Heard,
    Playbook,
    Say,
    Sent,
    Speak,
    frames,
)
from sottovoce.tls import PlainEngine, Side


def actor() -> ConversationActor:
    connection = Connection(Speaks.CALLING)
    connection.state = State.OPEN
    return ConversationActor(connection)


def test_a_script_that_is_kept_is_true() -> None:
    assert Playbook(actor()) >> Say(Ping(1)) << Sent(Ping(1)) >> Bytes(frames(Bye())) << Heard


def test_what_goes_in_may_be_made_at_its_turn() -> None:
    assert Playbook(actor()) >> (lambda: Say(Ping(1))) << Sent


def test_a_difference_is_shown_line_by_line() -> None:
    play = Playbook(actor()) >> Say(Ping(1)) << Sent(Ping(2)) >> Say(Bye())
    with pytest.raises(AssertionError) as caught:
        bool(play)
    text = str(caught.value)
    assert "- << Sent(message=Ping(token=2))" in text
    assert "+ << Sent(message=Ping(token=1))" in text
    assert "+ << Sent(message=Bye" in text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_script_that_nobody_played_is_a_failure() -> None:
    play = Playbook(actor()) >> Say(Ping(1))
    with pytest.raises(AssertionError, match="never played"):
        play.__del__()
    play._played = True
    del play
    gc.collect()


def test_an_actor_says_what_it_does_not_take() -> None:
    with pytest.raises(TypeError):
        actor().take(Speak(b""))
    with pytest.raises(TypeError):
        EngineActor(PlainEngine(side=Side.CALLING)).take(Say(Bye()))
