"""ServiceAccounts and their tokens: the cluster generates new Secrets, so nothing may refer to the old ones."""

from schemas.kubernetes import Object
from workers.manifests.kube.objects import name_of
from workers.manifests.kube.service_account_tokens import ACCOUNT_UID, TYPE, is_token_name


def strip_account(account: Object) -> None:
    """Removes references to Secrets that the cluster generated for the account."""
    _, name = name_of(account)
    for field in ("secrets", "imagePullSecrets"):
        kept = [ref for ref in account.get(field) or [] if not is_token_name(ref.get("name") or "", name)]
        account.pop(field, None)
        if kept:
            account[field] = kept


def strip_secret(secret: Object) -> None:
    """Empties a token that somebody asked for: the cluster fills it for the new account."""
    if secret.get("type") != TYPE:
        return
    (secret["metadata"].get("annotations") or {}).pop(ACCOUNT_UID, None)
    data = secret.get("data") or {}
    data.pop("token", None)
    data.pop("ca.crt", None)
