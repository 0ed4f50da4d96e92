"""Azure's clouds: where each signs in, manages accounts, and keeps blobs.

https://learn.microsoft.com/azure/developer/identity/national-clouds
"""

from dataclasses import dataclass

from schemas.destination import AzureCloud


@dataclass(frozen=True)
class Cloud:
    """Names of hosts."""

    authority: str
    management: str
    blobs: str  # what follows the storage account's name


CLOUDS: dict[AzureCloud, Cloud] = {
    "AzurePublicCloud": Cloud("login.microsoftonline.com", "management.azure.com", "blob.core.windows.net"),
    "AzureUSGovernmentCloud": Cloud(
        "login.microsoftonline.us", "management.usgovcloudapi.net", "blob.core.usgovcloudapi.net"
    ),
    "AzureChinaCloud": Cloud("login.chinacloudapi.cn", "management.chinacloudapi.cn", "blob.core.chinacloudapi.cn"),
    "AzureGermanCloud": Cloud("login.microsoftonline.de", "management.microsoftazure.de", "blob.core.cloudapi.de"),
}
