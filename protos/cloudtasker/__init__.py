"""The protocol buffer package `cloudtasker`."""
