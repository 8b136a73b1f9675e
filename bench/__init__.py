"""Every figure that the README quotes, as a command that prints it beside the machine it ran on."""
