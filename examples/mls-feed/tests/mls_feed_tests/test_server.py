"""The feed as a client meets it over HTTP."""

import io
import time
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from PIL import Image
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.fields import PROPERTY
from rooftree_mls_feed.settings import SettingMissing, Settings, read_settings
from rooftree_mls_feed.tokens import LIFETIME, TokenIssuer
from starlette.testclient import TestClient

CLIENT = ("an id", "a secret: with % and :")


def test_health_needs_no_token(anonymous: TestClient):
    assert anonymous.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/odata", "/odata/$metadata", "/odata/Property", "/odata/Property('AMES-00001')"])
@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer 9999999999.forged", "Basic YTpi"])
def test_data_without_a_token_is_refused_in_odata_form(anonymous: TestClient, path: str, header: str | None):
    answer = anonymous.get(path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "Unauthorized"


def test_token_is_given_for_credentials_in_basic_form(anonymous: TestClient):
    answer = anonymous.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(quote(CLIENT[0], safe=""), quote(CLIENT[1], safe="")),
    )
    assert answer.json() == {"access_token": answer.json()["access_token"], "token_type": "Bearer", "expires_in": 3600}


def test_wrong_secret_and_other_grants_get_no_token(anonymous: TestClient):
    wrong = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": "guess"}
    assert anonymous.post("/oauth/token", data=wrong).status_code == 401
    other = {"grant_type": "password", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    assert anonymous.post("/oauth/token", data=other).json() == {"error": "unsupported_grant_type"}
    assert anonymous.post("/oauth/token", content=b"nonsense").status_code == 400


def test_token_ends_with_its_lifetime_and_belongs_to_its_client():
    issuer, now = TokenIssuer("a", "b"), time.time()
    token = issuer.issue(now)
    assert issuer.accepts(token, now + LIFETIME - 2)
    assert not issuer.accepts(token, now + LIFETIME + 1)
    assert not TokenIssuer("a", "c").accepts(token, now)
    assert not issuer.accepts(f"9{token}", now)


def test_next_links_lead_through_all_records_once(client: TestClient):
    url, keys, pages = "/odata/Property?$select=ListingKey", [], 0
    while url:
        answer = client.get(url, headers={"Prefer": "odata.maxpagesize=1000"})
        assert answer.headers["Preference-Applied"] == "odata.maxpagesize=1000"
        body = answer.json()
        keys += [record.get("ListingKey") for record in body["value"]]
        url, pages = body.get("@odata.nextLink"), pages + 1
    assert pages == 3
    assert len(keys) == 2950
    assert len(set(keys)) == 2947  # four have no key


def test_next_link_keeps_the_query(client: TestClient):
    query = {"$filter": "City eq 'Ames' and ListPrice gt 200000", "$select": "ListingKey", "$count": "true"}
    body = client.get("/odata/Property", params=query).json()
    following = client.get(body["@odata.nextLink"]).json()
    assert body["@odata.nextLink"].startswith("http://mls.test:8080/odata/Property?")
    assert following["@odata.count"] == body["@odata.count"] > len(body["value"]) == 200
    first, second = ([record.get("ListingKey") for record in page["value"]] for page in (body, following))
    assert not (set(first) - {None}) & set(second)


def test_media_is_expanded_on_demand_and_its_address_gives_the_picture(client: TestClient):
    record = client.get("/odata/Property('AMES-00001')", params={"$expand": "Media"}).json()
    assert len(record["Media"]) == record["PhotosCount"] == 4
    answer = client.get(record["Media"][0]["MediaURL"])
    assert answer.headers["content-type"] == "image/jpeg"
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("JPEG", (800, 600))
    assert "Media" not in client.get("/odata/Property('AMES-00001')").json()


def test_pictures_differ_by_listing_and_number_and_never_change(client: TestClient):
    paths = ["/media/AMES-00001/1", "/media/AMES-00001/2", "/media/AMES-00002/1"]
    assert len({client.get(path).content for path in paths}) == 3
    with TestClient(build_app(Settings(*CLIENT))) as another:
        assert another.get(paths[0]).content == client.get(paths[0]).content


@pytest.mark.parametrize("path", ["/media/AMES-00001/0", "/media/AMES-00001/5", "/media/none/1", "/nothing"])
def test_what_is_not_there_is_404_in_odata_form(client: TestClient, path: str):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def test_unknown_key_is_404_and_bad_query_400_with_its_target(client: TestClient):
    assert client.get("/odata/Property('none')").status_code == 404
    answer = client.get("/odata/Property", params={"$filter": "Nonsense eq 1"})
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "$filter")


def test_metadata_describes_every_field_and_the_service_document_names_it(client: TestClient):
    root = ElementTree.fromstring(client.get("/odata/$metadata").content)
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    (entity,) = [e for e in root.iter(f"{edm}EntityType") if e.get("Name") == "Property"]
    assert {p.get("Name"): p.get("Type") for p in entity.iter(f"{edm}Property")} == PROPERTY
    assert client.get("/odata").json()["value"][0]["name"] == "Property"


def test_does_not_start_without_credentials(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLS_CLIENT_ID", raising=False)
    monkeypatch.setenv("MLS_CLIENT_SECRET", "x")
    with pytest.raises(SettingMissing, match="MLS_CLIENT_ID"):
        read_settings()
