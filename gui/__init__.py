"""The window of Lorikeet: the only place that knows Qt. Never loads torch."""
