"""What slow and failing requests have in common, and where their time goes: pure statistics, without a store."""
