"""The console in a browser: the distribution's Chromium, driven by Playwright, on the whole local stack."""
