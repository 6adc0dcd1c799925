"""Users, invitations, sign-in and tokens, as other modules see them."""
