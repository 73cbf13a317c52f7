"""The command line: the module of a verb is loaded when the verb is called."""
