"""TRK, the tracker: takes opens, clicks and unsubscribes."""
