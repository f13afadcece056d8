"""How REST requests prove who we are: `Auth` of the stack file as dlt's auth classes. Credentials never leave here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pydantic import SecretStr
from requests import Response, Session
from requests.auth import AuthBase

from hrorch_pipelines.stack.systems import Auth
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.retry import RETRY_STATUSES, TryAgain

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials


def fill(text: str, credentials: dict[str, SecretStr]) -> str:
    """Put credentials in the place of their `{name}`."""
    for name, secret in credentials.items():
        text = text.replace("{" + name + "}", secret.get_secret_value())
    return text


def auth_for(auth: Auth, credentials: dict[str, SecretStr], base_url: str, session: Session) -> AuthBase | None:
    """The auth object of a system. Raises ReadFault `unauthorized` naming what is not declared."""
    from dlt.sources.helpers.rest_client import auth as kinds

    def need(name: str) -> str:
        value = getattr(auth, name)
        if value is None:
            raise ReadFault("unauthorized", f"`auth` of type {auth.type} needs `{name}`")
        return fill(value, credentials)

    match auth.type:
        case "bearer":
            return kinds.BearerTokenAuth(token=need("token"))
        case "basic":
            return kinds.HttpBasicAuth(username=need("username"), password=need("password"))
        case "header":
            return kinds.APIKeyAuth(name=need("header"), api_key=need("token"), location="header")
        case "oauth_client_credentials":
            url = urljoin(base_url.rstrip("/") + "/", need("token_url"))
            return _oauth(url, need("client_id"), need("client_secret"), session)
    return None


def _oauth(url: str, client_id: str, client_secret: str, session: Session) -> OAuth2ClientCredentials:
    from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials

    class ClientCredentials(OAuth2ClientCredentials):
        """HTTP Basic first, which every server must support (RFC 6749 §2.3.1); the form when that is refused."""

        def obtain_token(self) -> None:
            form = self.build_access_token_request()
            secretless = {
                key: value for key, value in form["data"].items() if key not in {"client_id", "client_secret"}
            }
            answer = self._ask(data=secretless, auth=(self.client_id, self.client_secret))
            if answer.status_code in {400, 401}:
                answer = self._ask(data=form["data"])
            if answer.status_code in RETRY_STATUSES:
                raise TryAgain("http_status", f"the token URL answered {answer.status_code}", status=answer.status_code)
            if answer.status_code != 200:
                raise ReadFault(
                    "unauthorized", f"the token URL answered {answer.status_code}", status=answer.status_code
                )
            try:
                content = answer.json()
                self.access_token = str(content["access_token"])
            except (ValueError, KeyError, TypeError) as error:
                raise ReadFault("unauthorized", "the token URL answered without an access token") from error
            import pendulum

            # Refreshed a little early: a token must not run out between our check and their check.
            life = max(0, self.parse_expiration_in_seconds(content) - 10)
            self.token_expiry = pendulum.now().add(seconds=life)

        def _ask(self, **how: Any) -> Response:
            answer: Response = self.session.post(self.access_token_url, allow_redirects=False, **how)
            return answer

    return ClientCredentials(access_token_url=url, client_id=client_id, client_secret=client_secret, session=session)


def forget_token(auth: AuthBase | None) -> bool:
    """Drop a cached token that was refused. True when there was one to drop."""
    if getattr(auth, "access_token_url", None) is None or getattr(auth, "access_token", None) is None:
        return False
    auth.access_token = None  # type: ignore[union-attr]
    return True
