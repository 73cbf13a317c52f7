"""What is looked at before what a request wants: its host, its origin, the proxies that it came through."""
