"""The rules as pure functions: values in, decision out."""
