"""Stand-ins for what Google runs. They import none of the product: they meet over the wire."""
