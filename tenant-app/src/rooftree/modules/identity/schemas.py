"""What identity reads and writes over HTTP."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignInInput(_Input):
    request: Annotated[str, StringConstraints(max_length=4096)]
    email: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00]*$")]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class AcceptanceInput(_Input):
    name: Annotated[str, StringConstraints(max_length=400)]
    password: Annotated[str, StringConstraints(max_length=1024)]


class Redirect(BaseModel):
    """Where the page should go next."""

    redirect_to: str


class InvitationOutput(BaseModel):
    email: str
    name: str
    role: str
    expires_at: datetime


class TokenOutput(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    refresh_token: str
    scope: str
    id_token: str | None = None


class TokenErrorOutput(BaseModel):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str | None = None


class JwkOutput(BaseModel):
    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class JwksOutput(BaseModel):
    keys: list[JwkOutput]


class MetadataOutput(BaseModel):
    """OpenID Connect Discovery 1.0 and RFC 8414."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    scopes_supported: list[str]
    claims_supported: list[str]
    subject_types_supported: list[str]
    code_challenge_methods_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    request_parameter_supported: bool
    request_uri_parameter_supported: bool
