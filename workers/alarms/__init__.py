"""What is wrong although no job says so: what is looked at, and how that becomes one alarm for as long as it lasts."""
