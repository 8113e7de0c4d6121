"""The tabs Quality and Alterations."""
