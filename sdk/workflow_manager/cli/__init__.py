"""The command line: one module per verb, loaded when its verb is called."""
