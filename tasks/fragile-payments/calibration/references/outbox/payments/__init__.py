"""Takes card payments for the shops on Brookstall.

Layout, from the outside in::

    __main__     reads the environment, starts the server
    app          puts the parts together and owns their lifetime
    api          HTTP routes; translates between JSON and the service
    service      what a request does: puts work into the outbox, waits for the outcome
    waiting      requests that wait for something
    dispatch     carries out what is in the outbox
    steps        the rules: what comes after a call about a payment
    store        the books and the outbox: what happens in one transaction
    db           SQLite: one writing thread, group commits
    capacity     how much we ask of the provider and take on from the shops
    rates        exchange rates to EUR
    receipts     what the customer gets by mail
    provider     client for the payment provider
    mailer       client for the mailer
    upstream     what both clients share: one call, bounded in time and size
"""

__version__ = "2.0.0"
