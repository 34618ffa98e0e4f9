"""Shell scripts that look, in the agent's sandbox, for what must not be there, or leave something behind."""
