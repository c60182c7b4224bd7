"""Versioned models in the user's own database: records, storage format, migrations, publishing."""
