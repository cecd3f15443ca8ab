"""Access policies: kept as the service keeps them, and obeyed where Pub/Sub itself needs them."""
