"""The whole system in containers: `compose.yaml`, and what sets Pub/Sub up for it."""
