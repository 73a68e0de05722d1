"""Who somebody is, as tokens say it."""
