"""Ask for what a command lacks: questions with choices, one after the other, or all at once in a form."""
