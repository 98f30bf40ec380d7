"""What listens at an address, and how it is spoken to: addresses, proxies, TLS, HTTP."""
