"""Making failed work go on: redrives of the same run, and new runs from a state on."""
