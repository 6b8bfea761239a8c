"""The command line. Commands import what they need when they run, so that help and lists stay quick."""

from bench.cli.app import app, main

__all__ = ["app", "main"]
