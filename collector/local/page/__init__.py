"""The page that is served beside the API: its files, its paths, and the login of a reader who has a token."""
