"""Whether adapters get along: figures from their files (`weights`), what they mean (`verdict`), and the test on pictures (`pictures`)."""
