"""Environments of their own for methods: declared by a plugin, built by uv, asked over lines of JSON."""
