"""The browser's door: sessions without tokens in the page, the web app's files, the API description."""
