"""How much is drawn where nothing else is asked, and by what."""

DRAWS = 1000
# On nine tables of six pools 500 tuning draws gave as many effective draws, R-hats as near 1 and
# no more divergences than 1,000, for three quarters of the gradients.
TUNE = 500
CHAINS = 4
SAMPLER = "nutpie"
# The group that has a density for each row in each draw.
LIKELIHOOD = "log_likelihood"
# The group and the variable that hold the draws in the sampler's coordinates.
UNCONSTRAINED, COORDINATE = "unconstrained_posterior", "coordinate"
# So many values of rows by draws are kept and saved; what has more is made when it is asked for.
MOST_CELLS = 1_000_000
