"""Let people use Liqwatch in Discord: slash commands and buttons over the one registry."""
