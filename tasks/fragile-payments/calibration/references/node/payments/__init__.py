"""Takes card payments for the shops on Brookstall.

The service is JavaScript on Node; `python -m payments` only starts it. Layout, from the
outside in::

    main.js         reads the environment, starts, and leaves on SIGTERM
    http.js         HTTP server: routing, bounded bodies, JSON
    api.js          the routes of docs/api.md
    validation.js   what a request has to look like
    payments.js     takes payments: keys, duplicates, 201/202/402/50x, recovery
    charging.js     one payment's way to its outcome at the provider
    refunds.js      gives money back
    rates.js        exchange rates to EUR
    settlement.js   has captured charges paid out
    receipts.js     mails a receipt to the customer
    provider.js     client for the payment provider
    upstream.js     one bounded HTTP call
    limiter.js      how many calls at a time, and how many repeats
    store.js        SQLite
    money.js, errors.js, log.js, util.js
"""

__version__ = "1.15.0"
