"""The dock that trains a detector."""
