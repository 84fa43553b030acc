"""What goes wrong: a coroutine a kind, which does it, undoes it after a while, and says what."""
