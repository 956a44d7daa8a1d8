"""What a customer gets by mail after a captured payment."""

from __future__ import annotations

from payments.models import Payment
from payments.money import format_amount

_SUBJECT = "Your payment of {amount}"
_BODY = """\
We have taken {amount} from your card for {merchant}.

  Payment      {payment}
  Date         {date}
  For          {description}

Questions about your order? Please ask the shop and quote the payment number.

Brookstall
"""


def receipt(payment: Payment) -> dict[str, str]:
    """The message for a captured payment."""
    amount = format_amount(payment.amount, payment.currency)
    return {
        "to": payment.customer_email,
        "subject": _SUBJECT.format(amount=amount),
        "body": _BODY.format(
            amount=amount,
            merchant=payment.merchant_id,
            payment=payment.id,
            date=payment.created_at[:10],
            description=payment.description or "-",
        ),
    }
