"""What several entry points share: they translate, and nothing else."""
