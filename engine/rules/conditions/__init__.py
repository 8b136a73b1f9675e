"""Hold the types of conditions, one module each; `engine.rules.condition.kinds` finds them."""
