"""Who people are: invitations, passwords, OAuth 2.0 and OpenID Connect of this tenant."""
