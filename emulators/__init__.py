"""Stand-ins for what Google runs. They import none of the product; both sides meet over the wire."""
