"""The `feira` command. Every command imports what it needs when it is called: starts stay quick."""
