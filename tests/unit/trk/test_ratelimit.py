"""How much one network may ask (E3)."""

from sottovoce.trk import ratelimit
from sottovoce.trk.ratelimit import BURST, GUESS, Limiter


def test_a_burst_is_admitted_and_then_the_steady_rate() -> None:
    now = 0.0
    limiter = Limiter(5, lambda: now)
    assert [limiter.admits("a") for _ in range(5 * BURST + 1)] == [True] * 5 * BURST + [False]
    now += 1
    assert [limiter.admits("a") for _ in range(6)] == [True] * 5 + [False]


def test_networks_do_not_pay_for_each_other() -> None:
    limiter = Limiter(1, lambda: 0.0)
    while limiter.admits("a"):
        pass
    assert limiter.admits("b")


def test_a_guess_costs_many_requests() -> None:
    limiter = Limiter(GUESS / BURST, lambda: 0.0)
    assert limiter.admits("a")
    limiter.guessed("a")
    assert not limiter.admits("a")


def test_nobody_is_locked_out_for_long_however_much_was_guessed() -> None:
    now = 0.0
    limiter = Limiter(10, lambda: now)
    for _ in range(1000):
        limiter.admits("a")
        limiter.guessed("a")
    now += (GUESS + 1) / 10
    assert limiter.admits("a")


def test_zero_limits_nothing_and_remembers_nobody() -> None:
    limiter = Limiter(0, lambda: 0.0)
    assert all(limiter.admits("a") for _ in range(1000))
    limiter.guessed("a")
    assert len(limiter) == 0


def test_memory_is_bounded_and_the_longest_unseen_goes_first() -> None:
    limiter = Limiter(1, lambda: 0.0)
    for n in range(ratelimit.REMEMBERED + 50):
        limiter.admits(f"net {n}")
    assert len(limiter) == ratelimit.REMEMBERED
