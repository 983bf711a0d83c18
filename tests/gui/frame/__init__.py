"""Tests of the frame: theme, widgets, session, shell, Home, Images, Preferences."""
