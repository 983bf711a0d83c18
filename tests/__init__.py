"""The test-suite, a package so that its helpers (`tests.tiny`) cannot be hidden by a stray `tests` elsewhere."""
