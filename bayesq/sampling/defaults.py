"""How much is drawn where nothing else is asked."""

DRAWS = 1000
# Over ten pools 500 tuning draws gave as many effective draws, R-hats and divergences as 1,000, in
# three quarters of the time.
TUNE = 500
CHAINS = 4
