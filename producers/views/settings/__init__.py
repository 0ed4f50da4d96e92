"""What the settings pages show that no other front does: certificates, what is up, the card of the dashboard."""
