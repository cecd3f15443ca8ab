"""Push subscriptions: their requests, the window that paces them, their connections."""
