"""`calls-assets doctor`: finds out with a few small requests how a real account behaves, and says so in plain words."""
