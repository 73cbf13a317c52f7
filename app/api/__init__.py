"""The HTTP interface: routers, error answers, the docs page."""
