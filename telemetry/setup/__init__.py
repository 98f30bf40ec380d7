"""`configure`: builds providers and pipelines from settings, and keeps them right across forks."""
