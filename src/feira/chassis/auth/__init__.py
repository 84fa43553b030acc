"""Who is calling: access tokens signed by one service and verified by all, without a call."""
