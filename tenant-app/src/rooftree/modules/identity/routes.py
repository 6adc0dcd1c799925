"""HTTP of identity: OAuth 2.0 / OpenID Connect endpoints and accepting invitations; with the routes of people."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from rooftree.contracts.access.routes import open_to_all
from rooftree.kernel.module import provided
from rooftree.kernel.problems import responses
from rooftree.kernel.settings import Settings
from rooftree.modules.identity import delegation_routes, office_routes, people_routes
from rooftree.modules.identity.invitations import Invitations
from rooftree.modules.identity.requests import SCOPES, AuthorizationError, Clients, parse
from rooftree.modules.identity.schemas import (
    AcceptanceInput,
    InvitationOutput,
    JwksOutput,
    MetadataOutput,
    Redirect,
    SignInInput,
    TokenErrorOutput,
    TokenOutput,
)
from rooftree.modules.identity.sign_in import SignIn
from rooftree.modules.identity.token_endpoint import TokenEndpoint
from rooftree.modules.identity.tokens import Keys

router = APIRouter(tags=["identity"])

AFTER_ACCEPTANCE = "/auth/login?return_to=/listings"


def _form(required: Sequence[str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Described for what reads it itself (`token_endpoint`)."""
    schema = {"type": "object", "required": required, "properties": properties}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


_TEXT = {"type": "string"}
_FORM = _form(
    ["grant_type", "client_id"],
    {
        "grant_type": {"type": "string", "enum": ["authorization_code", "refresh_token"]},
        **dict.fromkeys(("client_id", "code", "code_verifier", "redirect_uri", "refresh_token", "scope"), _TEXT),
    },
)
_REVOCATION = _form(["token", "client_id"], dict.fromkeys(("token", "token_type_hint", "client_id"), _TEXT))
_AUTHORIZE = {
    "parameters": [
        {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}
        for name, required in (
            ("response_type", True),
            ("client_id", True),
            ("redirect_uri", True),
            ("code_challenge", True),
            ("code_challenge_method", True),
            ("scope", False),
            ("state", False),
            ("nonce", False),
            ("prompt", False),
        )
    ]
}
Token = Annotated[str, Path(max_length=200)]


@router.get(
    "/oauth/authorize",
    dependencies=open_to_all("sign_in", "begin"),
    status_code=302,
    response_class=Response,
    responses={302: {"description": "To the sign-in page, or back to the client with an error."}, **responses(400)},
    openapi_extra=_AUTHORIZE,
)
async def authorize(
    request: Request,
    clients: Annotated[Clients, Depends(provided(Clients))],
    sign_in: Annotated[SignIn, Depends(provided(SignIn))],
) -> Response:
    try:
        location = f"/sign-in?request={sign_in.begin(parse(request.query_params.multi_items(), clients))}"
    except AuthorizationError as error:
        location = error.location
    return Response(status_code=302, headers={"Location": location, "Cache-Control": "no-store"})


@router.post(
    "/oauth/sign-in", dependencies=open_to_all("sign_in", "begin"), responses=responses(401, 410, 422, 429, 503)
)
async def submit_sign_in(
    body: SignInInput, request: Request, response: Response, sign_in: Annotated[SignIn, Depends(provided(SignIn))]
) -> Redirect:
    location = await sign_in.finish(
        body.request, email=body.email, password=body.password, address=request.scope["client_address"]
    )
    response.headers["Cache-Control"] = "no-store"
    return Redirect(redirect_to=location)


@router.post(
    "/oauth/token",
    dependencies=open_to_all("sign_in", "begin"),
    response_model=TokenOutput,
    responses={400: {"model": TokenErrorOutput}, 401: {"model": TokenErrorOutput}},
    openapi_extra=_FORM,
)
async def issue_token(
    request: Request, endpoint: Annotated[TokenEndpoint, Depends(provided(TokenEndpoint))]
) -> Response:
    return await endpoint.answer(request)


@router.post(
    "/oauth/revoke",
    dependencies=open_to_all("sign_in", "begin"),
    response_class=Response,
    responses={
        200: {"description": "The token is worth nothing, whether it was anything before or not."},
        400: {"model": TokenErrorOutput},
        401: {"model": TokenErrorOutput},
    },
    openapi_extra=_REVOCATION,
)
async def revoke_token(
    request: Request, endpoint: Annotated[TokenEndpoint, Depends(provided(TokenEndpoint))]
) -> Response:
    """A refresh or access token: its whole sign-in ends (RFC 7009)."""
    return await endpoint.revoke(request)


@router.get("/oauth/jwks", dependencies=open_to_all("sign_in", "begin"), responses=responses(421))
async def get_jwks(response: Response, keys: Annotated[Keys, Depends(provided(Keys))]) -> JwksOutput:
    response.headers["Cache-Control"] = "public, max-age=300"
    return JwksOutput.model_validate({"keys": keys.public()})


@router.get("/.well-known/openid-configuration", dependencies=open_to_all("sign_in", "begin"), responses=responses(421))
@router.get(
    "/.well-known/oauth-authorization-server",
    dependencies=open_to_all("sign_in", "begin"),
    name="get_authorization_server_metadata",
    responses=responses(421),
)
async def get_openid_configuration(request: Request) -> MetadataOutput:
    settings: Settings = request.app.state.settings
    issuer = settings.public_url
    return MetadataOutput(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/oauth/authorize",
        token_endpoint=f"{issuer}/oauth/token",
        revocation_endpoint=f"{issuer}/oauth/revoke",
        jwks_uri=f"{issuer}/oauth/jwks",
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code", "refresh_token"],
        scopes_supported=list(SCOPES),
        claims_supported=["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "email"],
        subject_types_supported=["public"],
        code_challenge_methods_supported=["S256"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        id_token_signing_alg_values_supported=["ES256"],
        authorization_response_iss_parameter_supported=True,
        request_parameter_supported=False,
        request_uri_parameter_supported=False,
    )


@router.get("/api/v1/invitations/{token}", dependencies=open_to_all("sign_in", "begin"), responses=responses(404, 410))
async def get_invitation(
    token: Token, response: Response, invitations: Annotated[Invitations, Depends(provided(Invitations))]
) -> InvitationOutput:
    found = await invitations.show(token)
    response.headers["Cache-Control"] = "no-store"
    return InvitationOutput(email=found.email, name=found.name, role=found.role, expires_at=found.expires_at)


@router.post(
    "/api/v1/invitations/{token}/acceptance",
    dependencies=open_to_all("sign_in", "begin"),
    status_code=201,
    responses=responses(404, 409, 410, 422, 503),
)
async def accept_invitation(
    token: Token, body: AcceptanceInput, invitations: Annotated[Invitations, Depends(provided(Invitations))]
) -> Redirect:
    await invitations.accept(token, name=body.name, password=body.password)
    return Redirect(redirect_to=AFTER_ACCEPTANCE)


router.include_router(people_routes.router)
router.include_router(office_routes.router)
router.include_router(delegation_routes.router)
