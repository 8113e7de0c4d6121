"""The review: joins session, canvas and widgets."""
