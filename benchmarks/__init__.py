"""Speed, as ratios to named peers in one run: `nox -s bench`. No part of the installed package."""
