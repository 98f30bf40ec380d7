"""What each process of the flow does, one file for each."""
