"""What the reader sees beside the canvas. Widgets show state and emit signals; they change no study."""
