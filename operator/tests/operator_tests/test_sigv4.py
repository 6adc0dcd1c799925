"""The signature, by the examples that AWS gives in "Signature Calculations for the Authorization Header"."""

from datetime import UTC, datetime

import pytest
from rooftree_operator.adapters.sigv4 import Key, Request

HOST = "examplebucket.s3.amazonaws.com"
KEY = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("request_", "names", "signature"),
    [
        (
            Request("GET", "/test.txt", headers={"range": "bytes=0-9"}),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request(
                "PUT",
                "/test$file.text",
                content=b"Welcome to Amazon S3.",
                headers={"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            ),
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Request("GET", "/", {"lifecycle": ""}),
            "host;x-amz-content-sha256;x-amz-date",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Request("GET", "/", {"prefix": "J", "max-keys": "2"}),
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["get", "put", "lifecycle", "list"],
)
def test_a_request_is_signed_as_in_the_example(request_: Request, names: str, signature: str) -> None:
    sent = request_.signed(HOST, KEY, "us-east-1", NOW)["authorization"]
    scope = "20130524/us-east-1/s3/aws4_request"
    credential = f"AWS4-HMAC-SHA256 Credential={KEY.access}/{scope}"
    assert sent == f"{credential},SignedHeaders={names},Signature={signature}"


def test_what_is_sent_is_encoded_as_it_is_signed() -> None:
    assert (
        Request("GET", "/b/a b/ü~+", {"uploadId": "1/2=", "a": ""}).target == "/b/a%20b/%C3%BC~%2B?a=&uploadId=1%2F2%3D"
    )


def test_no_secret_shows() -> None:
    assert KEY.secret not in repr(KEY)
    assert KEY.secret not in str(Request("GET", "/").signed(HOST, KEY, "us-east-1", NOW))
