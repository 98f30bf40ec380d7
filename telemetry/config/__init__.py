"""What can be set: settings, where they are read from, what is checked."""
