import os
import signal

import pytest

from training.run.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_nothing_and_is_asked(number: signal.Signals):
    with Interrupts() as stop:
        os.kill(os.getpid(), number)
        assert stop.asked


def test_afterwards_signals_are_what_they_were():
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
