"""What is checked: settings, sending, arrival, the running stack, clocks."""
