"""What two volumes look like side by side: arrays only, no Qt and no napari layers."""
