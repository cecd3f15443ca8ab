"""The task type `make_thumbnail`: a small copy of an image, in the blob store."""
