"""Ways of telling people what has happened, one file each; and which is for which kind of target."""

from collections.abc import Callable

from schemas.news import News
from schemas.notification import AppriseTarget, KubernetesTarget, PingTarget, Target, WebhookTarget
from workers.ports import Answer, Cluster


def send(target: Target, news: News, cluster: Callable[[], Cluster], console_namespace: str) -> Answer:
    """Tells the target; what became of that. `cluster` is asked for Kubernetes Events alone."""
    match target:
        case WebhookTarget():
            from workers.adapters.notifiers import webhook

            return webhook.send(target, news)
        case PingTarget():
            from workers.adapters.notifiers import ping

            return ping.send(target, news)
        case AppriseTarget():
            from workers.adapters.notifiers import chat

            return chat.send(target, news)
        case KubernetesTarget():
            from workers.adapters.notifiers import kubernetes_events

            return kubernetes_events.send(target, news, cluster(), console_namespace)


def check(target: Target) -> None:
    """Raises Invalid for a target that could never be told anything, as far as can be seen without telling it."""
    if isinstance(target, AppriseTarget):
        from workers.adapters.notifiers import chat

        chat.check(target)
