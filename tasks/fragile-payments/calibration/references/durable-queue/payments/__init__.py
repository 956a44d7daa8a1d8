"""Takes card payments for the shops on Brookstall.

Layout, from the outside in::

    __main__     reads the environment, starts the server
    app          puts the parts together and owns their lifetime
    api          HTTP routes; translates between JSON and the parts below
    charging     the bounded pool of worker threads that charges cards
    refunds      gives money back
    background   settlement, receipts, and looking after charges in doubt
    rates        exchange rates to EUR
    provider     client for the payment provider
    upstream     HTTP calls with a hard deadline, and what an answer means
    store        SQLite: the books and everything that is still to be done
"""

__version__ = "2.0.0"
