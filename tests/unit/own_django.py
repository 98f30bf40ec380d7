"""Django as tests need it: set up without a project, its database in memory and never asked."""

import django
from django.conf import settings

if not settings.configured:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(USE_I18N=False, DATABASES={"default": database}, INSTALLED_APPS=[])
    django.setup()

from django.db import models


class Item(models.Model):  # type: ignore[misc]  # Django has no types
    """Something in a table that is not there: a query fails."""

    name = models.CharField(max_length=9)

    class Meta:  # noqa: D106  Django's own form
        app_label = "shop"
