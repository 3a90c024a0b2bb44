"""The WebSocket channel and the widget that speaks it."""
