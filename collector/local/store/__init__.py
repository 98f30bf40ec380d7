"""The DuckDB file: tables, migrations, reading, writing, deleting."""
