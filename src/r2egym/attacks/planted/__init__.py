"""Files beside the fix that steer the test run: configuration, plugins, shadows, edited tests. Neutral: left out."""
