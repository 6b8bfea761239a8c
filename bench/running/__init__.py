"""Cells as they run: planned, fitted in processes of their own, limited, watched and recorded."""
