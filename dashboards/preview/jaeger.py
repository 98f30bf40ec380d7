"""Where links to traces lead, if there is a page.

In: Jaeger's address. Out: that address, or "". State: none.
"""

from typing import Final

import httpx

from telemetry.otlp.target import is_loopback

_NO_PAGE: Final = "not compiled with the UI assets"
"""Words in the answer of a Jaeger that is built without its page."""
_PATIENCE_S: Final = 2.0


async def page_of(url: httpx.URL | None) -> str:
    """Return Jaeger's address; "" if none was given, or if it answers without its page.

    One that this machine cannot reach may be reached by the reader's browser.
    """
    if url is None:
        return ""
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=not is_loopback(url.host)) as client:
            answer = await client.get(f"{url}/search", follow_redirects=True)
    except httpx.HTTPError:
        return str(url)
    return "" if answer.status_code == httpx.codes.NOT_FOUND or _NO_PAGE in answer.text else str(url)
