"""Sockets: made in one place, with the options that ZeroMQ's defaults get wrong for consensus."""
