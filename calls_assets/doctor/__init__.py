"""`calls-assets doctor`: a few small questions to a real account, and what they tell of it in plain words."""
